/// A KubeArmor-style policy as its author wrote it, with inherited fields filled in.
///
/// Field names and meanings are KubeArmor's (`KubeArmorPolicy`, security.kubearmor.com/v1).
public struct Policy: Equatable, Sendable {
    /// Where a policy stands, for every message about it.
    public struct Origin: Equatable, Sendable {
        /// The file's path; for an applied policy the name the client gave.
        public var file: String
        /// From 1, the line its document starts at.
        public var line: Int

        public init(file: String, line: Int) {
            self.file = file
            self.line = line
        }
    }

    public var name: String
    /// `clusterNamespace` for a policy of the cluster, `hostNamespace` for one of hosts.
    public var namespace: String
    public var selector: PolicySelector
    /// In the order written, section by section: `process`, `file` (each in the order matchPaths, matchDirectories, matchPatterns), `network` (protocols, then
    /// names), `capabilities`, `presets`, `syscalls`. A list of protocols, capabilities or calls in one entry gives a rule for each.
    public var rules: [PolicyRule]
    /// The annotation `portcullis.io/allow-mounts: "true"`: the containers it selects may change their mounts.
    public var allowsMounts: Bool
    /// The annotation `portcullis.io/force: "true"`: a policy of hosts is meant even where it would lock people out.
    public var isForced: Bool
    public var origin: Origin

    public init(
        name: String, namespace: String, selector: PolicySelector, rules: [PolicyRule], allowsMounts: Bool = false, isForced: Bool = false,
        origin: Origin
    ) {
        self.name = name
        self.namespace = namespace
        self.selector = selector
        self.rules = rules
        self.allowsMounts = allowsMounts
        self.isForced = isForced
        self.origin = origin
    }

    /// What stands for a namespace in a KubeArmorClusterPolicy, which has none: no namespace can be called so.
    public static let clusterNamespace = "_cluster"

    /// The same for a KubeArmorHostPolicy, which is for hosts and selects no container.
    public static let hostNamespace = "_host"

    /// Whether its selector says itself which namespaces' containers it is for.
    public var isClusterWide: Bool { namespace == Self.clusterNamespace }

    /// Whether it is for the processes of a host that are in no container.
    public var isForHosts: Bool { namespace == Self.hostNamespace }

    /// The namespace that an author gave it; empty for one that is in none.
    public var ownNamespace: String { isClusterWide || isForHosts ? "" : namespace }

    /// Two policies with the same identity are versions of one: the later replaces the earlier.
    public var identity: String { namespace + "/" + name }
}

/// Which containers of its namespace, or of the cluster, a policy is for.
public struct PolicySelector: Equatable, Sendable {
    /// Every one must be among the container's labels with the same value.
    public var matchLabels: [String: String]
    /// Names from the label `kubearmor.io/container.name`, `[a, b]`; empty: any container.
    public var containerNames: [String]
    /// The values of all `In` expressions of `matchExpressions`: one of them at least must be among the labels. Empty: nothing is asked.
    public var anyOf: [SelectorLabel] = []
    /// The values of all `NotIn` expressions: none of them may be among the labels.
    public var noneOf: [SelectorLabel] = []
    /// The same of namespaces, in a policy of the cluster. Empty: all of them.
    public var namespaces: [String] = []
    public var exceptNamespaces: [String] = []
    /// Of a policy of hosts: the labels that a node must have, all of them. Empty: no node is selected.
    public var nodeLabels: [String: String] = [:]

    public init(matchLabels: [String: String] = [:], containerNames: [String] = []) {
        self.matchLabels = matchLabels
        self.containerNames = containerNames
    }
}

/// A label as `matchExpressions` write it, `key=value`.
public struct SelectorLabel: Hashable, Sendable, CustomStringConvertible {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    public var description: String { "\(key)=\(value)" }
}

public enum PolicyAction: String, Equatable, Sendable {
    case allow = "Allow"
    case audit = "Audit"
    case block = "Block"
}

/// One rule of a policy.
public struct PolicyRule: Equatable, Sendable {
    public enum Section: String, Equatable, CaseIterable, Sendable { case process, file, network, capabilities, dns, presets, syscalls }

    /// What a rule names. Paths are absolute, without `.`, `..`, doubled slashes or a slash at the end.
    public enum Target: Equatable, Sendable {
        case path(String)
        /// The directory without its final slash ("" for `/`): itself and what is directly in it, or everything below it.
        case directory(String, recursive: Bool)
        case pattern(Glob)
        /// The last component of an executable's path, wherever it is.
        case executableName(String)
        case socket(NetworkProtocol)
        case capability(Capability)
        /// A name in the DNS and all below it, in lower case and without a dot at its end.
        case domain(String)
        case preset(Preset)
        case systemCall(SystemCall, SystemCallPlace)

        /// By bytes: what Unicode calls equivalent are two files.
        public static func == (left: Target, right: Target) -> Bool {
            switch (left, right) {
            case (.path(let text), .path(let other)), (.executableName(let text), .executableName(let other)), (.domain(let text), .domain(let other)):
                text.utf8.elementsEqual(other.utf8)
            case (.directory(let text, let recursive), .directory(let other, let otherRecursive)):
                recursive == otherRecursive && text.utf8.elementsEqual(other.utf8)
            case (.pattern(let glob), .pattern(let other)): glob == other
            case (.socket(let word), .socket(let other)): word == other
            case (.capability(let capability), .capability(let other)): capability == other
            case (.preset(let preset), .preset(let other)): preset == other
            case (.systemCall(let call, let place), .systemCall(let other, let otherPlace)): call == other && place == otherPlace
            default: false
            }
        }
    }

    /// A `fromSource` entry: the executable that acts.
    public enum Source: Hashable, Sendable {
        case path(String)
        /// As in `Target.directory`.
        case directory(String, recursive: Bool)

        private var parts: (bytes: String.UTF8View, kind: UInt8) {
            switch self {
            case .path(let path): (path.utf8, 0)
            case .directory(let directory, let recursive): (directory.utf8, recursive ? 2 : 1)
            }
        }

        /// By bytes, as targets.
        public static func == (left: Source, right: Source) -> Bool {
            left.parts.kind == right.parts.kind && left.parts.bytes.elementsEqual(right.parts.bytes)
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(parts.kind)
            for byte in parts.bytes { hasher.combine(byte) }
        }
    }

    public var section: Section
    public var target: Target
    /// Empty: whoever acts.
    public var sources: [Source]
    public var ownerOnly: Bool
    /// File rules only.
    public var readOnly: Bool
    /// `pts: false`: the rule tells processes with a controlling terminal from others.
    public var withoutTerminal = false
    /// Process rules only: the arguments that the program may be given. Empty: any, and none.
    public var allowedArguments: [String] = []
    public var action: PolicyAction
    /// 1 to 10; 0 where neither rule, section nor policy gives one.
    public var severity: Int
    public var tags: [String]
    public var message: String
    /// What the rule is called in messages: `file.matchPaths[2]`.
    public var field: String
    public var line: Int

    public init(
        section: Section, target: Target, sources: [Source] = [], ownerOnly: Bool = false, readOnly: Bool = false, action: PolicyAction,
        severity: Int = 0, tags: [String] = [], message: String = "", field: String = "", line: Int = 0
    ) {
        self.section = section
        self.target = target
        self.sources = sources
        self.ownerOnly = ownerOnly
        self.readOnly = readOnly
        self.action = action
        self.severity = severity
        self.tags = tags
        self.message = message
        self.field = field
        self.line = line
    }
}
