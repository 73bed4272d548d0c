/// Whether a policy by itself fits the kernel's table, and this machine: one that does not could be in no container's set, or would lock people out, so it is refused
/// where it is read, like one with a wrong field, and not when a container starts.
struct PolicyFit: Sendable {
    var posture = Postures.audit
    var limits = PolicySetLimits()
    /// What policies of this host are asked for; nil: nothing is.
    var hazard: HostHazard?
    /// The machine, if it is known: what is not for it does no harm.
    var node: NodeLabels?

    func compile(_ policy: Policy) throws(PolicyProblem) -> CompiledPolicySet {
        do { return try PolicySetCompiler.compile(PolicySetInput(policies: [policy], posture: posture), limits: limits) } catch {
            throw PolicyProblem(
                file: policy.origin.file, line: policy.origin.line, column: 1, field: "spec", problem: "\(policy.identity): \(error)")
        }
    }

    /// Nil if it fits.
    ///
    /// - Parameter isMeant: Whoever brings it has said that it is meant, even if it locks people out.
    func problem(of policy: Policy, isMeant: Bool = false) -> PolicyProblem? {
        do throws(PolicyProblem) { _ = try compile(policy) } catch { return error }
        guard !isMeant, policy.isForHosts, node?.isSelected(by: policy.selector) ?? true else { return nil }
        return hazard?.problem(of: policy)
    }

    /// A file without the policies that do not fit, an error for each. What `old` holds was tried when it was read.
    func checked(_ file: PolicyFile, after old: PolicyFileState?) -> PolicyFile {
        // Nothing of it will be in force, and trying may take long.
        if !file.errors.isEmpty, let old, old.version != .partial { return file }
        let known = Dictionary((old?.policies ?? []).map { ($0.identity, $0) }) { first, _ in first }
        var checked = file
        checked.policies = []
        for policy in file.policies {
            if known[policy.identity] != policy, let problem = problem(of: policy) {
                checked.errors.append(problem)
            } else {
                checked.policies.append(policy)
            }
        }
        return checked
    }
}
