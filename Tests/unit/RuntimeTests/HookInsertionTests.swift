import Foundation
import HookWire
import RuntimeWrapper
import Testing
import TestSupport

/// Where the hook goes in a `config.json`, and that nothing else moves.
@Suite struct HookInsertionTests {
    static let entry = HookEntry(path: Array("/h".utf8), arguments: [])
    static let text = String(decoding: entry.text, as: UTF8.self)
    static let other = #"{"path":"/o"}"#

    static func insert(_ document: [UInt8], _ entry: HookEntry = Self.entry, step: Int = .max) throws(JSONError) -> [UInt8] {
        let insertion = try HookInsertion.find(entry, in: ArraySource(document, step: step))
        return document.withUnsafeBytes { insertion.applied(to: $0) }
    }

    @Test func theEntryIsWhatTheSpecificationSays() throws {
        let entry = HookEntry(path: Array("/a \"b\\\u{1}é".utf8), arguments: ["--socket", "/s"].map { Array($0.utf8) })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(entry.text)) as? [String: Any])
        #expect(object["path"] as? String == "/a \"b\\\u{1}é" && object["args"] as? [String] == ["portcullis-hook", "--socket", "/s"])
        #expect(object["timeout"] as? Int == 12 && object["env"] as? [String] == ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] && object.count == 4)
    }

    /// In the wanted text `@` is the entry, `#` another hook's.
    @Test(arguments: [
        ("{}", #"{"hooks":{"createRuntime":[@],"poststop":[@]}}"#),
        (" { } \n", #" {"hooks":{"createRuntime":[@],"poststop":[@]} } "# + "\n"),
        (#"{"a":1.50e+0 }"#, #"{"a":1.50e+0,"hooks":{"createRuntime":[@],"poststop":[@]} }"#),
        (#"{"hooks":null,"a":1}"#, #"{"hooks":{"createRuntime":[@],"poststop":[@]},"a":1}"#),
        (#"{"hooks":{}}"#, #"{"hooks":{"createRuntime":[@],"poststop":[@]}}"#),
        (#"{"hooks":{ "poststart":[#] },"a":1}"#, #"{"hooks":{ "poststart":[#],"createRuntime":[@],"poststop":[@] },"a":1}"#),
        (#"{"hooks":{"prestart":[#]}}"#, #"{"hooks":{"prestart":[#],"createRuntime":[@],"poststop":[@]}}"#),
        (#"{"hooks":{"createRuntime":[],"poststop":[ ]}}"#, #"{"hooks":{"createRuntime":[@],"poststop":[@ ]}}"#),
        (#"{"hooks":{"createRuntime":null,"poststop": null}}"#, #"{"hooks":{"createRuntime":[@],"poststop": [@]}}"#),
        // Behind the others where the container is set up, before them where it has ended.
        (#"{"hooks":{"createRuntime":[ #, # ],"poststop":[#,#]}}"#, #"{"hooks":{"createRuntime":[ #, #,@ ],"poststop":[@,#,#]}}"#),
        (#"{"hooks":{"poststop":[#],"createRuntime":[#]}}"#, #"{"hooks":{"poststop":[@,#],"createRuntime":[#,@]}}"#),
        (#"{"hooks":{"poststop":[#],"x":1}}"#, #"{"hooks":{"poststop":[@,#],"x":1,"createRuntime":[@]}}"#),
        (#"{"hooks":{"createRuntime":[#]}}"#, #"{"hooks":{"createRuntime":[#,@],"poststop":[@]}}"#),
        // There already, perhaps with other arguments: hooks.d puts it into prestart.
        (#"{"hooks":{"createRuntime":[{"path":"/h","x":1},#],"poststop":[#,@]}}"#, #"{"hooks":{"createRuntime":[{"path":"/h","x":1},#],"poststop":[#,@]}}"#),
        (#"{"hooks":{"prestart":[@],"createRuntime":[#]}}"#, #"{"hooks":{"prestart":[@],"createRuntime":[#],"poststop":[@]}}"#),
        (#"{"hooks":{"prestart":[{"path":"\/\u0068"}],"poststop":null}}"#, #"{"hooks":{"prestart":[{"path":"\/\u0068"}],"poststop":[@]}}"#),
        // Names that only look alike are others.
        (#"{"Hooks":1,"a":{"hooks":{}}}"#, #"{"Hooks":1,"a":{"hooks":{}},"hooks":{"createRuntime":[@],"poststop":[@]}}"#),
    ])
    func goesWhereItBelongs(_ row: (document: String, wanted: String)) throws {
        func filled(_ text: String) -> String { text.replacingOccurrences(of: "#", with: Self.other).replacingOccurrences(of: "@", with: Self.text) }
        let document = Array(filled(row.document).utf8)
        for step in [1, 3, .max] {
            let once = try Self.insert(document, step: step)
            #expect(String(decoding: once, as: UTF8.self) == filled(row.wanted))
            #expect(try Self.insert(once, step: step) == once)
        }
    }

    @Test(arguments: [
        (#"{"hooks":[]}"#, JSONError.Kind.type), (#"{"hooks":{"createRuntime":{}}}"#, .type), (#"{"hooks":{"poststop":["x"]}}"#, .type),
        (#"{"hooks":{"prestart":[{"path":1}]}}"#, .type), (#"{"hooks":{},"hooks":{}}"#, .duplicateKey), (#"{"hooks":{"poststop":[],"poststop":[]}}"#, .duplicateKey),
        (#"{"hooks":{}} x"#, .syntax), (#"{"hooks":{}"#, .truncated), ("[]", .type), ("", .truncated), (#"{"a":01}"#, .syntax),
    ])
    func refusesWhatItDoesNotUnderstand(_ row: (document: String, kind: JSONError.Kind)) {
        #expect { try Self.insert(Array(row.document.utf8)) } throws: { ($0 as? JSONError)?.kind == row.kind }
    }

    /// Real configurations: with Foundation's eyes, only the hook has come.
    @Test func realConfigurationsKeepEverything() throws {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: Tree.samples)) ?? []).filter { $0.hasSuffix("-config.json") }
        guard !names.isEmpty else { return print("skipped: no samples in \(Tree.samples)") }
        for name in names {
            let document = [UInt8](try Data(contentsOf: URL(filePath: Tree.samples + "/" + name)))
            let changed = try Self.insert(document)
            #expect(try Self.insert(changed) == changed, "\(name)")
            var before = try #require(try JSONSerialization.jsonObject(with: Data(document)) as? [String: Any])
            var after = try #require(try JSONSerialization.jsonObject(with: Data(changed)) as? [String: Any])
            let old = before.removeValue(forKey: "hooks") as? [String: [[String: Any]]] ?? [:]
            var new = try #require(after.removeValue(forKey: "hooks") as? [String: [[String: Any]]])
            #expect(NSDictionary(dictionary: before) == NSDictionary(dictionary: after), "\(name)")
            #expect(new["createRuntime"]?.popLast()?["path"] as? String == "/h", "\(name)")
            #expect(new["poststop"]?.removeFirst()["path"] as? String == "/h", "\(name)")
            #expect(NSDictionary(dictionary: new.filter { !$0.value.isEmpty }) == NSDictionary(dictionary: old), "\(name)")
            // And byte for byte: the old document is what is left when the new text is taken out, which stands at two places at most.
            let edits = try HookInsertion.find(Self.entry, in: ArraySource(document)).edits
            #expect((1...2).contains(edits.count) && edits.allSatisfy { $0.length == 0 })
            var left = changed
            for edit in edits { left.removeSubrange(edit.offset..<(edit.offset + edit.text.count)) }
            #expect(left == document, "\(name)")
        }
    }
}
