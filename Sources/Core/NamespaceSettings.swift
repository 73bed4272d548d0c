/// What a namespace has other than everybody: the section `namespaces` of the configuration file.
public struct NamespaceSettings: Equatable, Sendable {
    public var file: Posture?
    public var network: Posture?
    public var capabilities: Posture?
    public var visibility: Visibility?

    public init(file: Posture? = nil, network: Posture? = nil, capabilities: Posture? = nil, visibility: Visibility? = nil) {
        self.visibility = visibility
        self.file = file
        self.network = network
        self.capabilities = capabilities
    }

    /// Names in the file.
    static let names: [Setting] = [.filePosture, .networkPosture, .capabilitiesPosture, .visibility]
    /// What KubeArmor's annotations of a namespace begin with; they are taken, too.
    static let annotationPrefix = "kubearmor-"

    /// Takes one value. False if the setting takes no such value.
    mutating func apply(_ setting: Setting, _ text: String) -> Bool {
        switch setting {
        case .filePosture: file = Posture(rawValue: text)
        case .networkPosture: network = Posture(rawValue: text)
        case .capabilitiesPosture: capabilities = Posture(rawValue: text)
        case .visibility:
            visibility = Visibility(text)
            return visibility != nil
        default: return false
        }
        return Posture(rawValue: text) != nil
    }
}

/// The postures of everybody, and those of namespaces that have their own.
public struct PostureSettings: Equatable, Sendable {
    public var general: Postures
    public var namespaces: [String: NamespaceSettings]

    public init(general: Postures = .audit, namespaces: [String: NamespaceSettings] = [:]) {
        self.general = general
        self.namespaces = namespaces
    }

    public func postures(in namespace: String) -> Postures {
        guard let own = namespaces[namespace] else { return general }
        return Postures(
            file: own.file ?? general.file, network: own.network ?? general.network, capabilities: own.capabilities ?? general.capabilities)
    }
}

extension ConfigurationSources {
    /// The key of the configuration file that has a mapping for each namespace.
    static let namespacesKey = "namespaces"

    /// Reads that section. A value that is none leaves the namespace with everybody's, and is a warning, as KubeArmor has it for its annotations.
    ///
    /// - Throws: `PortcullisError` (`.configuration`) for what is no namespace or no setting of one.
    static func namespaces(
        file: String, _ node: YAMLNode, warnings: inout [String]
    ) throws(PortcullisError) -> [String: NamespaceSettings] {
        func error(_ line: Int, _ column: Int, _ problem: String) -> PortcullisError {
            PortcullisError(.configuration, "\(file):\(line):\(column): \(problem)")
        }
        guard case .mapping(let namespaces) = node.value else { throw error(node.line, node.column, "expected namespaces, each with its settings") }
        var result: [String: NamespaceSettings] = [:]
        for namespace in namespaces {
            guard KubernetesName.isNamespace(namespace.key) else {
                throw error(namespace.line, namespace.column, "\(PolicyFindings.shown(namespace.key)) can be no namespace")
            }
            guard case .mapping(let members) = namespace.value.value else {
                throw error(namespace.value.line, namespace.value.column, "expected settings as name: value")
            }
            var settings = NamespaceSettings()
            for member in members {
                let key = member.key.hasPrefix(NamespaceSettings.annotationPrefix) ? String(member.key.dropFirst(NamespaceSettings.annotationPrefix.count)) : member.key
                guard let setting = Setting(rawValue: key), NamespaceSettings.names.contains(setting) else {
                    let names = NamespaceSettings.names.map(\.rawValue).joined(separator: ", ")
                    throw error(member.line, member.column, "unknown setting \(PolicyFindings.shown(member.key)) of a namespace; there are \(names)")
                }
                guard case .scalar(let text, _) = member.value.value, settings.apply(setting, text) else {
                    warnings.append(
                        "\(file):\(member.value.line):\(member.value.column): \(namespace.key): \(member.key) is not \(setting.allowed): the one for all counts")
                    continue
                }
            }
            result[namespace.key] = settings
        }
        return result
    }
}
