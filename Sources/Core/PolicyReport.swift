/// A policy as JSON, as it was understood: for `portcullis policy list` and `show`.
public struct PolicyReport: Sendable {
    /// Containers that are listed by name; all are counted.
    public static let containerLimit = 100

    /// What a policy makes of a section for the containers that it selects.
    public enum Mode: String, Sendable {
        /// It has no rule of it.
        case none
        /// What its rules name is blocked or reported.
        case rules
        /// It has an Allow rule: what no rule allows falls to the posture.
        case whitelist
    }

    public let policy: Policy
    private let isApplied: Bool
    private let containers: [String]
    private let isOfThisHost: Bool

    /// - Parameters:
    ///   - isApplied: A client applied it; else it is a file's.
    ///   - containers: Ids of the containers that have it in force.
    ///   - isOfThisHost: It is in force for the processes that are in no container.
    public init(_ policy: Policy, isApplied: Bool, containers: [String], isOfThisHost: Bool = false) {
        self.isOfThisHost = isOfThisHost
        self.policy = policy
        self.isApplied = isApplied
        self.containers = containers
    }

    public static func mode(_ section: PolicyRule.Section, of policy: Policy) -> Mode {
        let rules = policy.rules.filter { $0.section == section }
        if rules.isEmpty { return .none }
        return rules.contains { $0.action == .allow } ? .whitelist : .rules
    }

    /// The policy without its rules, which are counted.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("identity", policy.identity)
            writer.member("namespace", policy.namespace)
            writer.member("name", policy.name)
            writer.member("source", isApplied ? "applied" : "file")
            writer.member("file", policy.origin.file)
            writer.member("line", policy.origin.line)
            writer.key("matchLabels")
            writer.object { writer in
                for (key, value) in policy.selector.matchLabels.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
            }
            for (name, labels) in [("anyOf", policy.selector.anyOf), ("noneOf", policy.selector.noneOf)] {
                writer.key(name)
                writer.array { writer in for label in labels { writer.string(label.description) } }
            }
            for (name, namespaces) in [("namespaces", policy.selector.namespaces), ("exceptNamespaces", policy.selector.exceptNamespaces)] {
                writer.key(name)
                writer.array { writer in for namespace in namespaces { writer.string(namespace) } }
            }
            writer.key("containerNames")
            writer.array { writer in for name in policy.selector.containerNames { writer.string(name) } }
            writer.key("nodeLabels")
            writer.object { writer in
                for (key, value) in policy.selector.nodeLabels.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
            }
            writer.member("forHosts", policy.isForHosts)
            writer.member("selectsThisHost", isOfThisHost)
            writer.member("allowsMounts", policy.allowsMounts)
            writer.key("modes")
            writer.object { writer in
                for section in PolicyRule.Section.allCases {
                    writer.member(section.rawValue, Self.mode(section, of: policy).rawValue)
                }
            }
            writer.key("ruleCounts")
            writer.object { writer in
                for action in [PolicyAction.allow, .audit, .block] {
                    writer.member(action.rawValue, policy.rules.count { $0.action == action })
                }
            }
            writer.member("selected", containers.count)
            writer.key("containers")
            writer.array { writer in for container in containers.prefix(Self.containerLimit) { writer.string(container) } }
        }
        return writer.bytes
    }

    /// One rule, with what it inherits from its section and its policy.
    public static func json(_ rule: PolicyRule) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("rule", rule.field)
            writer.member("line", rule.line)
            writer.member("section", rule.section.rawValue)
            switch rule.target {
            case .path(let path): writer.member("path", path)
            case .directory(let directory, let recursive):
                writer.member("dir", directory + "/")
                writer.member("recursive", recursive)
            case .pattern(let glob): writer.member("pattern", glob.text)
            case .executableName(let name): writer.member("execname", name)
            case .socket(let word): writer.member("protocol", word.rawValue)
            case .capability(let capability): writer.member("capability", capability.name)
            case .domain(let name): writer.member("domain", name)
            case .preset(let preset): writer.member("preset", preset.rawValue)
            case .systemCall(let call, let place):
                writer.member("syscall", call.name)
                switch place {
                case .anywhere: break
                case .path(let path): writer.member("path", path)
                case .directory(let directory, let recursive):
                    writer.member("dir", directory + "/")
                    writer.member("recursive", recursive)
                }
            }
            writer.key("fromSource")
            writer.array { writer in
                for source in rule.sources {
                    switch source {
                    case .path(let path): writer.object { $0.member("path", path) }
                    case .directory(let directory, let recursive):
                        writer.object { writer in
                            writer.member("dir", directory + "/")
                            writer.member("recursive", recursive)
                        }
                    }
                }
            }
            writer.member("ownerOnly", rule.ownerOnly)
            writer.member("readOnly", rule.readOnly)
            writer.member("withoutTerminal", rule.withoutTerminal)
            writer.key("allowedArgs")
            writer.array { writer in for argument in rule.allowedArguments { writer.string(argument) } }
            writer.member("action", rule.action.rawValue)
            writer.member("severity", rule.severity)
            writer.key("tags")
            writer.array { writer in for tag in rule.tags { writer.string(tag) } }
            writer.member("message", rule.message)
        }
        return writer.bytes
    }
}
