import HookWire

/// What containerd's configuration says about us. No reader of all TOML: tables, and keys with one value on a line.
public struct ContainerdSettings: Equatable, Sendable {
    /// Whether NRI is switched off; nil where nothing is said, which is on from containerd 2.0 and off before.
    public private(set) var disablesNRI: Bool?
    /// The base runtime specs that runtimes have.
    public private(set) var baseSpecs: [String] = []

    public init(_ text: String) {
        var isNRI = false
        for line in text.split(whereSeparator: \.isNewline) {
            let line = Self.trimmed(line)
            if line.hasPrefix("[") {
                let table = Self.trimmed(line.prefix { $0 != "#" })
                isNRI = table == "[plugins.\"io.containerd.nri.v1.nri\"]" || table == "[plugins.'io.containerd.nri.v1.nri']"
                continue
            }
            guard let equals = line.firstIndex(of: "="), !line.hasPrefix("#") else { continue }
            let key = Self.trimmed(line[..<equals]), value = Self.trimmed(line[line.index(after: equals)...])
            if isNRI, key == "disable" { disablesNRI = value.hasPrefix("true") }
            if key == "base_runtime_spec", let quote = value.first, quote == "\"" || quote == "'" {
                let path = value.dropFirst().prefix { $0 != quote }
                if !path.isEmpty { baseSpecs.append(String(path)) }
            }
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        return start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
    }
}

/// What Docker's `daemon.json` says about us.
public struct DockerSettings: Equatable, Sendable {
    /// What the wrapper's program is called, wherever it is.
    public static let wrapper = "portcullis-runtime"

    /// The name under which the wrapper is registered, and its program; nil if it is not.
    public let runtime: (name: String, path: String)?
    public let isDefault: Bool

    /// - Throws: `.configuration` for what is no JSON object; no file is named.
    public init(_ bytes: [UInt8]) throws(PortcullisError) {
        let document: JSONDocument
        do { document = try JSONDocument(bytes) } catch { throw PortcullisError(.configuration, "\(error.reason), at byte \(error.offset)") }
        guard case .object = document else { throw PortcullisError(.configuration, "is no JSON object") }
        let usual = document["default-runtime"].text
        let ours = document["runtimes"].members.compactMap { name, value -> (name: String, path: String)? in
            guard let path = value["path"].text, path.split(separator: "/").last.map(String.init) == Self.wrapper else { return nil }
            return (name, path)
        }
        runtime = ours.first { $0.name == usual } ?? ours.first
        isDefault = runtime.map { $0.name == usual } ?? false
    }

    public static func == (one: DockerSettings, other: DockerSettings) -> Bool {
        one.runtime?.name == other.runtime?.name && one.runtime?.path == other.runtime?.path && one.isDefault == other.isDefault
    }
}
