import HookWire

/// How a runtime is told to run the hook: the file in `hooks.d` that CRI-O and podman read (oci-hooks(5)), and the same for a runtime spec.
public struct HookFile: Equatable, Sendable {
    /// What the program is called, wherever it is: by it a file of ours is known.
    public static let program = "portcullis-hook"
    /// The file's name in `hooks.d`.
    public static let name = "portcullis.json"
    /// Where the program belongs, unless it is installed elsewhere already.
    public static let usualPath = "/usr/libexec/portcullis/portcullis-hook"
    /// Where CRI-O and podman look.
    public static let usualDirectory = "/usr/share/containers/oci/hooks.d"
    /// Seconds: the hook must give up before the runtime gives up on the hook, and its largest deadline is 10 s.
    public static let timeout = 12
    /// `createRuntime` and not `prestart`, which is deprecated and the same moment: a hook under both runs twice.
    public static let stages = ["createRuntime", "poststop"]
    /// Without any the hook would get the runtime's own environment, whatever is in that.
    public static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    /// The program as the runtime finds it; absolute.
    public var path: String
    /// Its options.
    public var options: [String]

    public init(path: String = HookFile.usualPath, options: [String] = []) {
        self.path = path
        self.options = options
    }

    /// The file for `hooks.d`.
    public var bytes: [UInt8] {
        let text = """
            {
              "version": "1.0.0",
              "hook": {
                "path": \(Self.quoted(path)),
                "args": \(Self.list([Self.program] + options)),
                "env": \(Self.list(Self.environment)),
                "timeout": \(Self.timeout)
              },
              "when": {
                "always": true
              },
              "stages": \(Self.list(Self.stages))
            }

            """
        return Array(text.utf8)
    }

    /// The member `hooks` of a runtime spec.
    public var specMember: String {
        let hook = "{\"path\": \(Self.quoted(path)), \"args\": \(Self.list([Self.program] + options)), \"env\": \(Self.list(Self.environment)), \"timeout\": \(Self.timeout)}"
        return "{" + Self.stages.map { "\(Self.quoted($0)): [\(hook)]" }.joined(separator: ", ") + "}"
    }

    /// The program that a file of `hooks.d` names; nil if the file is not one that this made.
    public static func program(in bytes: [UInt8]) -> String? {
        guard let document = try? JSONDocument(bytes), let path = document["hook"]["path"].text, path.split(separator: "/").last.map(String.init) == program else { return nil }
        return path
    }

    private static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.string(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }
}
