import Core
import Kernel

/// An upgrade from another ABI version: that version's programs enforce beside these until nobody needs them any more.
extension DaemonService {
    /// Nanoseconds before a takeover that failed is tried again.
    private static let pause: UInt64 = 5_000_000_000

    /// Lets the earlier version go as soon as everybody who has policies there has them here, and until then has it judge nobody else. Called after whatever
    /// may have changed that.
    func settleTakeover() {
        guard let version = programs.formerVersion else { return }
        let stamp = takeoverStamp
        // A look at all containers is not for every wake-up.
        guard takeover.next.map({ Clocks.monotonic >= $0 }) ?? (stamp != takeover.stamp) else { return }
        takeover.next = nil
        takeover.stamp = stamp
        do throws(PortcullisError) {
            let kept = judgedByFormer
            guard kept.isEmpty else {
                try programs.releaseFormer(except: kept)
                return stay("\(kept.contains(nil) ? "the host and \(kept.count - 1)" : "\(kept.count)") containers keep the policies that they have there (containersWithOlderPolicies and problems in status say why)")
            }
            guard let moved = try programs.letFormerGo() else { return stay("nothing can be enforced by this version here: \(programs.enforcement.reason)") }
            takeover.problem = ""
            logger.logger.info("took over from an earlier version, which is gone", metadata: ["abi": "\(version)", "moved-labels": "\(moved)"])
        } catch {
            takeover.next = Clocks.monotonic + Self.pause
            stay("\(error)")
        }
    }

    /// Another one whenever the answer of `judgedByFormer` may be.
    private var takeoverStamp: [UInt64] {
        let counters = registry.counters
        return [
            policies.changes, UInt64(policies.stuck.count), UInt64(policies.library.problems.count), UInt64(registry.count), counters.added,
            counters.removed &+ counters.endedUnremoved,
        ]
    }

    /// Slots, nil for the host, that have policies there and would lose some: because theirs cannot be chosen or made here, or because none is left where not
    /// every policy could be read.
    private var judgedByFormer: Set<UInt32?> {
        func isLost(_ slot: UInt32) -> Bool { policies.stuck[slot] != nil || !policies.library.problems.isEmpty && kernel.policyWord(slot) == 0 }
        var kept: Set<UInt32?> = []
        for container in containers where programs.hasFormerPolicies(container.reference) && isLost(container.reference.slot) { kept.insert(container.reference.slot) }
        if programs.hasFormerPolicies(nil), isLost(PolicyService.host) { kept.insert(nil) }
        return kept
    }

    /// Said once for each reason.
    private func stay(_ problem: String) {
        guard problem != takeover.problem else { return }
        takeover.problem = problem
        logger.logger.warning("the programs of an earlier version stay, and both enforce: \(problem)")
    }
}

/// How a takeover goes on.
struct TakeoverState {
    /// When one that failed is tried again (nanoseconds, monotonic).
    var next: UInt64?
    /// What was so when it was last looked at who needs the earlier version.
    var stamp: [UInt64] = []
    /// Why the earlier version stays.
    var problem = ""
}
