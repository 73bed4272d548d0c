/// Puts a configuration together: flags over environment over file over defaults.
public struct ConfigurationSources: Sendable {
    /// What the command line asks for.
    public enum Request: Sendable, Equatable {
        case run
        case help
        case version
        /// Say what this machine can enforce.
        case probe
        /// Take out of the kernel what daemons have left there.
        case remove
        /// Let others touch what is guarded.
        case unlock
        /// Try what the sandbox forbids.
        case checkSandbox
    }

    public var request = Request.run
    /// The file named with `--config`; nil if none was, and then a missing default file is no error.
    public var file: String?
    private var flags: [(Setting, String)] = []
    private var environment: [(Setting, String)] = []

    /// Reads command line and environment.
    ///
    /// - Throws: `PortcullisError` (`.configuration`) that names the flag or variable and what it takes.
    public init(arguments: [String], environment variables: [String: String]) throws(PortcullisError) {
        for setting in Setting.allCases {
            guard let value = variables[setting.environmentName] else { continue }
            try Self.check(setting, value, "environment variable \(setting.environmentName)")
            environment.append((setting, value))
        }
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--help" || argument == "-h" { request = .help; continue }
            if argument == "--version" { request = .version; continue }
            if argument == "--probe" { request = .probe; continue }
            if argument == "--remove" { request = .remove; continue }
            if argument == "--unlock" { request = .unlock; continue }
            if argument == "--check-sandbox" { request = .checkSandbox; continue }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard argument.hasPrefix("--"), let name = parts.first.map({ String($0.dropFirst(2)) }) else {
                throw PortcullisError(.configuration, "unknown argument \(argument) (see --help)")
            }
            let setting = Setting(rawValue: name)
            guard setting != nil || name == "config" else {
                throw PortcullisError(.configuration, "unknown option --\(name) (see --help)")
            }
            var value = parts.count > 1 ? parts[1] : nil
            // A switch alone means yes.
            if value == nil, setting?.isSwitch == true, index >= arguments.count || !["true", "false"].contains(arguments[index]) { value = "true" }
            if value == nil, index < arguments.count {
                value = arguments[index]
                index += 1
            }
            guard let value else { throw PortcullisError(.configuration, "--\(name) needs a value") }
            if let setting {
                try Self.check(setting, value, "--\(name)")
                flags.append((setting, value))
            } else {
                file = value
            }
        }
    }

    /// The configuration with `text` as the file's content; nil for no file.
    ///
    /// - Throws: `PortcullisError` (`.configuration`) that names file, line, column and what is allowed.
    public func configuration(file name: String, text: [UInt8]?) throws(PortcullisError) -> Configuration {
        var configuration = Configuration()
        if let text { for (setting, value) in try Self.settings(file: name, text, &configuration) { _ = configuration.apply(setting, value) } }
        for (setting, value) in environment + flags { _ = configuration.apply(setting, value) }
        return configuration
    }

    private static func settings(
        file: String, _ text: [UInt8], _ configuration: inout Configuration
    ) throws(PortcullisError) -> [(Setting, String)] {
        let root: YAMLNode?
        do { root = try YAMLParser.parse(text) } catch {
            throw PortcullisError(.configuration, "\(file):\(error.line):\(error.column): \(error.problem)")
        }
        guard let root else { return [] }
        guard case .mapping(let members) = root.value else {
            throw PortcullisError(.configuration, "\(file):\(root.line):\(root.column): expected settings as name: value")
        }
        var settings: [(Setting, String)] = []
        for member in members {
            if member.key == namespacesKey {
                configuration.namespaces = try namespaces(file: file, member.value, warnings: &configuration.warnings)
                continue
            }
            if member.key == nodeLabelsKey {
                configuration.nodeLabels = try nodeLabels(file: file, member.value)
                continue
            }
            guard let setting = Setting(rawValue: member.key) else {
                let names = (Setting.allCases.map(\.rawValue) + [namespacesKey, nodeLabelsKey]).joined(separator: ", ")
                throw PortcullisError(
                    .configuration, "\(file):\(member.line):\(member.column): unknown setting \(member.key); there are \(names)")
            }
            guard case .scalar(let value, _) = member.value.value else {
                throw PortcullisError(
                    .configuration, "\(file):\(member.value.line):\(member.value.column): \(member.key) takes \(setting.allowed)")
            }
            try check(setting, value, "\(file):\(member.value.line):\(member.value.column): \(member.key)")
            settings.append((setting, value))
        }
        return settings
    }

    /// The key of the configuration file that has the labels of this machine, for the `nodeSelector` of policies.
    static let nodeLabelsKey = "node-labels"

    private static func nodeLabels(file: String, _ node: YAMLNode) throws(PortcullisError) -> [String: String] {
        guard case .mapping(let members) = node.value else {
            throw PortcullisError(.configuration, "\(file):\(node.line):\(node.column): expected labels as name: value")
        }
        var labels: [String: String] = [:]
        for member in members {
            guard case .scalar(let value, _) = member.value.value, !member.key.isEmpty else {
                throw PortcullisError(.configuration, "\(file):\(member.line):\(member.column): expected a label as name: value")
            }
            labels[member.key] = value
        }
        return labels
    }

    private static func check(_ setting: Setting, _ value: String, _ place: String) throws(PortcullisError) {
        var scratch = Configuration()
        guard scratch.apply(setting, value) else {
            throw PortcullisError(.configuration, "\(place): \(value.isEmpty ? "an empty value" : value) is not \(setting.allowed)")
        }
    }
}
