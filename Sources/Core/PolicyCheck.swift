/// What can be said of a policy text without a daemon: whether it can be read, and whether each policy fits the kernel's table.
public struct PolicyCheck: Sendable {
    /// What a policy takes, compiled by itself.
    public struct Size: Equatable, Sendable {
        public let identity: String
        public let origin: Policy.Origin
        public let rules: Int
        public let states: Int
        /// Of kernel memory, whole pages.
        public let kibibytes: Int
    }

    /// Each makes the daemon refuse the whole text.
    public private(set) var errors: [PolicyProblem]
    public private(set) var warnings: [PolicyProblem] = []
    /// Of the policies without an error, in the order of the text.
    public private(set) var sizes: [Size] = []

    /// - Parameter seen: The policies of texts checked before, by identity: one that was there already is an error.
    public init(_ text: [UInt8], file: String, isStrict: Bool = false, alreadySeen seen: inout [String: Policy.Origin]) {
        self.init(text, file: file, isStrict: isStrict, alreadySeen: &seen, limits: PolicySetLimits())
    }

    init(_ text: [UInt8], file: String, isStrict: Bool = false, alreadySeen seen: inout [String: Policy.Origin], limits: PolicySetLimits) {
        let parsed = PolicyParser.parse(text, file: file, isStrict: isStrict)
        errors = parsed.errors
        warnings = parsed.warnings
        if parsed.policies.isEmpty, errors.isEmpty {
            errors.append(PolicyProblem(file: file, line: 1, column: 1, field: "", problem: "there is no policy in it"))
        }
        for policy in parsed.policies {
            if let first = seen[policy.identity] {
                let problem = "\(policy.identity) is defined at \(first.file):\(first.line) already"
                errors.append(PolicyProblem(file: file, line: policy.origin.line, column: 1, field: "metadata.name", problem: problem))
                continue
            }
            seen[policy.identity] = policy.origin
            do throws(PolicyProblem) {
                let compiled = try PolicyFit(limits: limits).compile(policy)
                // Which machine it is for is not known here, nor what is there.
                if let problem = HostHazard(.usual, posture: .audit).problem(of: policy) { warnings.append(problem) }
                sizes.append(
                    Size(
                        identity: policy.identity, origin: policy.origin, rules: policy.rules.count, states: compiled.statistics.states,
                        kibibytes: compiled.cells.count / 128))
            } catch { errors.append(error) }
        }
    }
}
