/// A policy that a client applied.
struct AppliedPolicy: Equatable, Sendable {
    var policy: Policy
    var warnings: [PolicyProblem]
}

/// A policy as it was stored for an earlier `apply`.
public struct StoredPolicy: Sendable {
    public let identity: String
    /// Where it is stored, for messages.
    public let file: String
    public let content: Result<[UInt8], PortcullisError>

    public init(identity: String, file: String, content: Result<[UInt8], PortcullisError>) {
        self.identity = identity
        self.file = file
        self.content = content
    }
}

/// What a client's request did.
public struct PolicyApplication: Equatable, Sendable {
    /// What must be stored, so that the policies are there after a restart.
    public struct Write: Equatable, Sendable {
        /// `namespace/name`. Both halves hold letters, digits, '-' and '.' alone and begin with a letter or digit, and neither is longer
        /// than a file's name: it is safe as a relative path.
        public let identity: String
        /// The policy's own document; nil: it is deleted.
        public let text: [UInt8]?
    }

    /// In the order of the text.
    public internal(set) var writes: [Write] = []
    public internal(set) var change = PolicyChange()
    /// Not empty: nothing was done.
    public internal(set) var errors: [PolicyProblem] = []
    public internal(set) var warnings: [PolicyProblem] = []
}

extension PolicyLibrary {
    /// Whether what is in force under this identity was applied, and is not a file's.
    public func isApplied(_ identity: String) -> Bool { ofFiles[identity] == nil && applied[identity] != nil }

    /// Takes in what a client sent: all of its policies or, if anything is wrong, none.
    ///
    /// - Parameters:
    ///   - name: What the client calls the text, for messages.
    ///   - isMeant: Policies of this host are taken even where they would lock people out.
    public mutating func apply(_ text: [UInt8], name: String, isMeant: Bool = false) -> PolicyApplication {
        let (parsed, parts) = PolicyParser.parseParts(text, file: name)
        var result = PolicyApplication()
        result.warnings = parsed.warnings
        result.errors = parsed.errors
        if parsed.errors.isEmpty, parsed.policies.isEmpty {
            result.errors.append(PolicyProblem(file: name, line: 1, column: 1, field: "", problem: "there is no policy in it"))
        }
        for policy in parsed.policies {
            if let other = ofFiles[policy.identity] { result.errors.append(Self.clash(policy, other)) }
        }
        let new = parsed.policies.count { applied[$0.identity] == nil }
        if let policy = parsed.policies.last, new > 0, applied.count + new > Self.appliedLimit {
            result.errors.append(
                PolicyProblem(
                    file: name, line: policy.origin.line, column: 1, field: "", problem: "more than \(Self.appliedLimit) applied policies"))
        }
        guard result.errors.isEmpty else { return result }
        for policy in parsed.policies {
            guard let problem = fit.problem(of: policy, isMeant: isMeant) else { continue }
            // The others are not tried, since trying may take long.
            result.errors = [problem]
            return result
        }
        for (policy, part) in zip(parsed.policies, parts) {
            var policy = policy
            policy.isForced = policy.isForced || (isMeant && policy.isForHosts)
            take(policy, part)
            result.writes.append(PolicyApplication.Write(identity: policy.identity, text: (policy.isForced ? Self.forcedMark : []) + Array(text[part.bytes])))
        }
        result.change = compose()
        return result
    }

    /// Takes in a policy that was stored for an earlier `apply`. If it can no longer be read, `problems` says so until it is applied again
    /// or deleted.
    @discardableResult
    public mutating func restore(_ identity: String, _ text: [UInt8], name: String) -> PolicyChange {
        restore([StoredPolicy(identity: identity, file: name, content: .success(text))])
    }

    /// Takes in all policies that were stored, as at the start.
    @discardableResult
    public mutating func restore(_ stored: [StoredPolicy]) -> PolicyChange {
        for entry in stored {
            switch entry.content {
            case .success(let text): restore(entry, text)
            case .failure(let error):
                unrestored[entry.identity] = [PolicyProblem(file: entry.file, line: 1, column: 1, field: "", problem: error.description)]
            }
        }
        return compose()
    }

    private mutating func restore(_ entry: StoredPolicy, _ text: [UInt8]) {
        let (parsed, parts) = PolicyParser.parseParts(text, file: entry.file)
        var errors = parsed.errors
        if errors.isEmpty, parsed.policies.map(\.identity) != [entry.identity] {
            errors.append(
                PolicyProblem(file: entry.file, line: 1, column: 1, field: "", problem: "expected the policy \(entry.identity) and no other"))
        }
        // It did when it was applied, to another version perhaps. One that would lock people out now is held back.
        if errors.isEmpty, let problem = parsed.policies.first.flatMap({ fit.problem(of: $0, isMeant: true) }) { errors.append(problem) }
        if errors.isEmpty, var policy = parsed.policies.first, let part = parts.first {
            policy.isForced = policy.isForced || text.starts(with: Self.forcedMark)
            take(policy, part)
        } else {
            unrestored[entry.identity] = errors
        }
    }

    /// Deletes an applied policy.
    ///
    /// - Throws: `PortcullisError`: `.conflict` for one that a file defines, `.configuration` if there is none.
    public mutating func delete(_ identity: String) throws(PortcullisError) -> PolicyApplication {
        guard applied[identity] != nil || unrestored[identity] != nil else {
            if let policy = ofFiles[identity] {
                let place = "\(policy.origin.file):\(policy.origin.line)"
                throw PortcullisError(.conflict, "the policy \(identity) is defined at \(place): it must be taken out there")
            }
            throw PortcullisError(.configuration, "there is no policy \(PolicyFindings.shown(identity))")
        }
        applied[identity] = nil
        unrestored[identity] = nil
        var result = PolicyApplication()
        result.writes = [PolicyApplication.Write(identity: identity, text: nil)]
        result.change = compose()
        return result
    }

    /// What a stored policy begins with that was applied with `--force`.
    private static let forcedMark = Array("# applied with --force\n".utf8)

    private mutating func take(_ policy: Policy, _ part: PolicyParser.Part) {
        applied[policy.identity] = AppliedPolicy(policy: policy, warnings: part.warnings)
        unrestored[policy.identity] = nil
    }
}
