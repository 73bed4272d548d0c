import HookWire
import RuntimeWrapper

/// What the wrapper of a runtime reads: the bundle's configuration, and the command line.
extension FuzzTarget {
    static var runtimeTargets: [FuzzTarget] { [hookInsertion, runtimeCommandLine] }

    /// What is added is all that changes, and is added once.
    static let hookInsertion = FuzzTarget(
        name: "hook-insertion", format: .ociConfig,
        seeds: texts(
            #"{"hooks":{"prestart":[{"path":"/o","args":["o","-x"]}],"createRuntime":[],"poststop":null},"linux":{}}"#, #"{ "hooks" : null }"#, "{}",
            #"{"hooks":{"poststop":[{"path":"/o"},{"path":"/h"}],"createRuntime":[{"env":[],"path":"\u002fh"}]}}"#),
        words: jsonWords + texts("\"hooks\":", "\"prestart\":[", "\"createRuntime\":[", "\"poststop\":[", "{\"path\":\"/h\"}", "{\"path\":\"/o\"}", "null,"),
        reader: {
            let entry = HookEntry(path: Array("/h".utf8), arguments: [Array("-x".utf8)])
            return { input throws(BrokenPromise) in
                let mark = fingerprint(input)
                func find(_ document: [UInt8]) throws(JSONError) -> HookInsertion { try HookInsertion.find(entry, in: ArraySource(document, step: 1 + mark % 41)) }
                let insertion: HookInsertion
                switch Result(catching: { () throws(JSONError) in try find(input) }) {
                case .success(let found): insertion = found
                case .failure(let error):
                    try promise((0...input.count).contains(error.offset), "\(error) is outside the document")
                    return false
                }
                let changed = input.withUnsafeBytes { insertion.applied(to: $0) }
                switch Result(catching: { () throws(JSONError) in try find(changed) }) {
                case .success(let again): try promise(again.edits.isEmpty, "the hook is added twice")
                case .failure(let error): throw BrokenPromise(description: "what is written is refused: \(error)")
                }
                var left = changed
                for edit in insertion.edits {
                    guard left.count >= edit.offset + edit.text.count else { throw BrokenPromise(description: "an edit outside the document") }
                    left.replaceSubrange(edit.offset..<(edit.offset + edit.text.count), with: input[edit.offset..<(edit.offset + edit.length)])
                }
                // Edits are told by the old document's offsets; taken back in that order, each is where it was.
                try promise(left == input, "more than the hook has changed")
                return true
            }
        })

    static let runtimeCommandLine = FuzzTarget(
        name: "runtime-words", format: .text,
        seeds: texts("--root\0/r\0--log\0/l\0--log-format=json\0create\0--bundle\0/b\0c1", "run\0-b/b\0-d\0c1", "--unknown\0create\0c1", "--version"),
        words: texts("\0", "=", "--", "-", "create", "run", "--bundle", "-b", "-f", "--config=", "--root", "--pid-file"), limit: 4096,
        reader: {
            { input throws(BrokenPromise) in
                let words = input.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
                let parsed = RuntimeCommandLine(words)
                let saysSo = words.contains { ["create", "run", "restore"].contains(String(decoding: $0, as: UTF8.self)) }
                try promise(saysSo || !parsed.makesContainer && parsed.problem == nil, "a container is made by no word for it")
                try promise(!parsed.configPath.isEmpty, "no file")
                try promise(parsed.named.allSatisfy { !$0.isEmpty && !$0.contains(0x2F) && $0 != [0x2E] && $0 != [0x2E, 0x2E] }, "a name leads elsewhere")
                return parsed.makesContainer
            }
        })
}
