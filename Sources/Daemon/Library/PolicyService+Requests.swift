import Core
import HookWire
import Logging

/// What clients of the control socket ask of the policies.
extension PolicyService {
    /// Takes in a client's policies, all or none, and says as JSON what became of them. They are stored before they are in force: a policy
    /// that was in force once does not end with the daemon.
    ///
    /// - Parameter isMeant: Also policies of this host that would lock people out.
    func apply(_ submission: PolicySubmission, isMeant: Bool, _ containers: [Container]) -> [UInt8] {
        var candidate = library
        var result = candidate.apply(submission.text, name: submission.name, isMeant: isMeant)
        let before = stuck
        if result.errors.isEmpty {
            do throws(PortcullisError) {
                try store.carryOut(result.writes)
                library = candidate
                apply(result.change, containers)
            } catch {
                result.refuse(PolicyProblem(file: submission.name, line: 1, column: 1, field: "", problem: "cannot be stored: \(error)"))
            }
        }
        if !result.errors.isEmpty { logger.warning("refused policies: \(result.errors[0])", metadata: ["problems": "\(result.errors.count)"]) }
        return result.json(
            keptOlder: kept(since: before, containers),
            notes: notes(on: result.writes.compactMap { library.policy($0.identity) }, containers))
    }

    /// What is to be said of policies that select nothing.
    func notes(on policies: [Policy], _ containers: [Container]) -> [String] {
        guard !policies.isEmpty else { return [] }
        let labels = containers.filter { $0.state == .running }.compactMap { container in
            (try? HookMessage(decoding: container.message[...])).map { ContainerLabels($0) }
        }
        return policies.compactMap { PolicyReach.note($0, containers: labels, node: node) }
    }

    /// Deletes an applied policy, first from the disk.
    func delete(_ identity: String, _ containers: [Container]) throws(PortcullisError) -> [UInt8] {
        var candidate = library
        let result = try candidate.delete(identity)
        try store.carryOut(result.writes)
        library = candidate
        let before = stuck
        apply(result.change, containers)
        return result.json(keptOlder: kept(since: before, containers))
    }

    /// Every policy, or one with its rules; what is sent is made piece by piece. Nil if there is none.
    func listing(_ identity: String, _ containers: [Container]) -> (() -> [UInt8]?)? {
        var users: [String: [String]] = [:]
        for container in containers {
            for policy in policies(ofSlot: container.reference.slot) { users[policy.identity, default: []].append(container.name) }
        }
        let library = library
        let ofHost = Set(hostPolicies.map(\.identity))
        func report(_ policy: Policy) -> [UInt8] {
            PolicyReport(
                policy, isApplied: library.isApplied(policy.identity), containers: users[policy.identity] ?? [], isOfThisHost: ofHost.contains(policy.identity)
            ).json()
        }
        var next = 0
        guard !identity.isEmpty else {
            return {
                guard next < library.policies.count else { return nil }
                defer { next += 1 }
                return report(library.policies[next])
            }
        }
        guard let policy = library.policy(identity) else { return nil }
        return {
            guard next <= policy.rules.count else { return nil }
            defer { next += 1 }
            return next == 0 ? report(policy) : PolicyReport.json(policy.rules[next - 1])
        }
    }

    /// Who keeps what it had since then, and why.
    private func kept(since before: [UInt32: String], _ containers: [Container]) -> [String] {
        stuck.filter { before[$0.key] != $0.value }.sorted { $0.key < $1.key }.map { name(ofSlot: $0.key, containers) + ": " + $0.value }
    }

    private func name(ofSlot slot: UInt32, _ containers: [Container]) -> String {
        slot == Self.host ? "the host" : containers.first { $0.reference.slot == slot }?.name ?? "slot \(slot)"
    }
}
