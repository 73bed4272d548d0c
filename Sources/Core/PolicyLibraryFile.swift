/// What the library knows of one policy file.
public struct PolicyFileState: Equatable, Sendable {
    /// Which of the file's versions its policies are from.
    public enum Version: String, Sendable {
        /// The newest, which has no error.
        case newest
        /// The last one without an error: the newest has one.
        case lastGood
        /// No version was ever without an error: of each policy the last good one.
        case partial
    }

    /// In force, but for those that another file defines too.
    public let policies: [Policy]
    public let version: Version
    /// Of the newest version.
    public let errors: [PolicyProblem]
    /// Of the newest version.
    public let warnings: [PolicyProblem]

    /// A broken version changes nothing of a file that was whole once. Of a file that never was, whatever could be read counts, and what
    /// could be read before and cannot now is kept: a policy must not end because a line beside it was mistyped.
    init(_ parsed: PolicyFile, after old: PolicyFileState?) {
        errors = parsed.errors
        warnings = parsed.warnings
        if parsed.errors.isEmpty {
            version = .newest
            policies = parsed.policies
        } else if let old, old.version != .partial {
            version = .lastGood
            policies = old.policies
        } else {
            version = .partial
            let new = Set(parsed.policies.map(\.identity))
            policies = (old?.policies ?? []).filter { !new.contains($0.identity) } + parsed.policies
        }
    }
}

/// What an update did to the policies in force, by identity; each list is sorted.
public struct PolicyChange: Equatable, Sendable {
    public private(set) var added: [String] = []
    public private(set) var changed: [String] = []
    public private(set) var removed: [String] = []

    init() {}

    /// Both lists are sorted by identity.
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
