/// All policies there are: those of files, and those that clients applied. Pure; whoever owns it reads and writes the files.
public struct PolicyLibrary: Sendable {
    private struct File {
        /// In force, but for those that another file defines too.
        var policies: [Policy]
        var warnings: [PolicyProblem]
        /// Of the newest version; not empty: it is not, or not wholly, in force.
        var errors: [PolicyProblem]
        /// Some version had no error.
        var wasGood: Bool
    }

    private var files: [String: File] = [:]
    /// In force, sorted by identity.
    public private(set) var policies: [Policy] = []
    private var byNamespace: [String: [Policy]] = [:]

    public init() {}

    /// Takes in a file's new content; nil: it is gone, and its policies with it.
    @discardableResult
    public mutating func update(file: String, text: [UInt8]?) -> PolicyChange {
        if let text {
            files[file] = Self.merge(PolicyParser.parse(text, file: file), into: files[file])
        } else {
            files[file] = nil
        }
        return compose()
    }

    /// The policies for a container, sorted by identity.
    public func selected(for container: ContainerLabels) -> [Policy] {
        (byNamespace[container.namespace] ?? []).filter { $0.selects(container) }
    }

    private static func merge(_ parsed: PolicyFile, into old: File?) -> File {
        guard let old, !parsed.errors.isEmpty else {
            return File(policies: parsed.policies, warnings: parsed.warnings, errors: parsed.errors, wasGood: parsed.errors.isEmpty)
        }
        if old.wasGood { return File(policies: old.policies, warnings: old.warnings, errors: parsed.errors, wasGood: true) }
        let new = Set(parsed.policies.map(\.identity))
        let kept = old.policies.filter { !new.contains($0.identity) }
        return File(policies: kept + parsed.policies, warnings: parsed.warnings, errors: parsed.errors, wasGood: false)
    }

    private mutating func compose() -> PolicyChange {
        var all: [String: Policy] = [:]
        for name in files.keys.sorted() {
            for policy in files[name]?.policies ?? [] where all[policy.identity] == nil { all[policy.identity] = policy }
        }
        let before = policies
        policies = all.values.sorted { $0.identity < $1.identity }
        byNamespace = Dictionary(grouping: policies, by: \.namespace)
        return PolicyChange(from: before, to: policies)
    }
}

/// What an update did to the policies in force, by identity.
public struct PolicyChange: Equatable, Sendable {
    public var added: [String] = []
    public var changed: [String] = []
    public var removed: [String] = []

    public init() {}

    init(from before: [Policy], to after: [Policy]) {
        let old = Dictionary(before.map { ($0.identity, $0) }) { first, _ in first }
        var gone = Set(old.keys)
        for policy in after {
            gone.remove(policy.identity)
            guard let previous = old[policy.identity] else {
                added.append(policy.identity)
                continue
            }
            if previous != policy { changed.append(policy.identity) }
        }
        removed = gone.sorted()
    }

    public var isEmpty: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
}
