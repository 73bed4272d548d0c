import HookWire

/// A runtime spec that containerd starts every container from (`base_runtime_spec`), with our hook in it.
public enum BaseSpec {
    /// Adds the hook to what `ctr oci spec` prints. Every other member stays as it is, but one: `process.rlimits` goes. Without a base spec containerd's CRI
    /// takes these limits (1,024 open files) away itself, and with one it keeps them, for every pod.
    ///
    /// - Throws: `.peer` for what is no runtime spec, or has hooks already.
    public static func adding(_ hook: HookFile, to spec: [UInt8]) throws(PortcullisError) -> [UInt8] {
        do { try check(spec) } catch { throw PortcullisError(.peer, "the runtime spec \(error.reason), at byte \(error.offset)") }
        guard var members = JSONMembers(spec[...]), members["ociVersion"] != nil, let process = members["process"] else {
            throw PortcullisError(.peer, "the runtime spec has no ociVersion or no process")
        }
        guard members["hooks"] == nil else { throw PortcullisError(.peer, "the runtime spec has hooks already") }
        if var inner = JSONMembers(process) {
            inner["rlimits"] = nil
            members["process"] = inner.bytes[...]
        }
        members["hooks"] = Array(hook.specMember.utf8)[...]
        return members.bytes + [UInt8(ascii: "\n")]
    }

    /// The program of the hook in a spec that this made; nil in any other one.
    public static func program(in bytes: [UInt8]) -> String? {
        guard (try? check(bytes)) != nil, let hooks = JSONMembers(bytes[...])?["hooks"], let document = try? JSONDocument(Array(hooks)) else { return nil }
        let paths = document["createRuntime"].elements.compactMap { $0["path"].text }
        return paths.first { $0.split(separator: "/").last.map(String.init) == HookFile.program }
    }

    private static func check(_ document: [UInt8]) throws(JSONError) {
        var reader = JSONReader(ArraySource(document))
        try reader.skipValue()
        try reader.finish()
    }

    /// The lines for containerd's configuration.
    ///
    /// - Parameter version: containerd's own, of which the first number counts; what cannot be read gets the newer form.
    public static func configuration(file: String, containerd version: String) -> [String] {
        let isOld = version.split(separator: ".").first == "1"
        let plugin = isOld ? "io.containerd.grpc.v1.cri" : "io.containerd.cri.v1.runtime"
        return [
            "version = \(isOld ? 2 : 3)", "[plugins.\"\(plugin)\".containerd.runtimes.runc]", "  runtime_type = \"io.containerd.runc.v2\"",
            "  base_runtime_spec = \"\(file)\"",
        ]
    }

    /// The version in what `containerd --version` prints: its third word, without a leading v. Empty if that is something else.
    public static func version(in output: String) -> String {
        let words = output.split(separator: " ")
        guard words.count >= 3, words[0] == "containerd" else { return "" }
        return String(words[2].drop { $0 == "v" })
    }
}

/// The members of a JSON object as they are written, so that what is not understood stays what it was: numbers of any size, the order of everything.
struct JSONMembers {
    private var members: [(name: [UInt8], value: ArraySlice<UInt8>)] = []

    /// Nil for what is no object. Otherwise the document has been checked before: this only looks for where values end.
    init?(_ document: ArraySlice<UInt8>) {
        var index = Self.blank(document, from: document.startIndex)
        guard index < document.endIndex, document[index] == UInt8(ascii: "{") else { return nil }
        index = Self.blank(document, from: index + 1)
        while index < document.endIndex, document[index] == UInt8(ascii: "\"") {
            let nameEnd = Self.end(of: document, from: index)
            let start = Self.blank(document, from: Self.blank(document, from: nameEnd) + 1)
            let end = Self.end(of: document, from: start)
            guard nameEnd < start, start < end else { return nil }
            members.append((Array(document[(index + 1)..<(nameEnd - 1)]), document[start..<end]))
            index = Self.blank(document, from: end)
            if index < document.endIndex, document[index] == UInt8(ascii: ",") { index = Self.blank(document, from: index + 1) }
        }
    }

    /// A member by its name, which has no escapes. Nil is none; a new one comes last.
    subscript(_ name: String) -> ArraySlice<UInt8>? {
        get { members.first { $0.name.elementsEqual(name.utf8) }?.value }
        set {
            let place = members.firstIndex { $0.name.elementsEqual(name.utf8) }
            if let newValue {
                if let place { members[place].value = newValue } else { members.append((Array(name.utf8), newValue)) }
            } else if let place {
                members.remove(at: place)
            }
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, member) in members.enumerated() {
            bytes += Array((index == 0 ? "\n" : ",\n").utf8) + [UInt8(ascii: "\"")] + member.name + Array("\": ".utf8) + member.value
        }
        return bytes + Array("\n}".utf8)
    }

    private static func blank(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.endIndex, bytes[index] <= 0x20 { index += 1 }
        return index
    }

    /// Behind the value that begins at `start`.
    private static func end(of bytes: ArraySlice<UInt8>, from start: Int) -> Int {
        var index = start, depth = 0, isText = false
        while index < bytes.endIndex {
            let byte = bytes[index]
            if isText {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { isText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    // The end of what is around it: a number or a word ends here.
                    if depth == 0 { return index }
                    depth -= 1
                case UInt8(ascii: ","), UInt8(ascii: ":"), 0...0x20: if depth == 0 { return index }
                default: break
                }
            }
            index += 1
            if !isText, depth == 0, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { return min(index, bytes.endIndex) }
        }
        return min(index, bytes.endIndex)
    }
}
