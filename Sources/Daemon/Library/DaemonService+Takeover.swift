import Core
import Kernel

/// An upgrade from another ABI version: that version's programs enforce beside these until nobody needs them any more.
extension DaemonService {
    /// Nanoseconds before a takeover that failed is tried again.
    private static let pause: UInt64 = 5_000_000_000

    /// Lets the earlier version go as soon as everybody who has policies there has them here. Called after whatever may have changed that.
    func settleTakeover() {
        guard let version = programs.formerVersion, Clocks.monotonic >= takeover.next else { return }
        guard policies.stuck.isEmpty else { return stay("containers keep the policies that they have there (status names them)") }
        if let name = bereft { return stay("\(name) has policies there and none here, and not every policy could be read") }
        do throws(PortcullisError) {
            guard let moved = try programs.letFormerGo() else { return stay("nothing can be enforced by this version here: \(programs.enforcement.reason)") }
            takeover.problem = ""
            logger.logger.info("took over from an earlier version, which is gone", metadata: ["abi": "\(version)", "moved-labels": "\(moved)"])
        } catch {
            takeover.next = Clocks.monotonic + Self.pause
            stay("\(error)")
        }
    }

    /// Who would be left without any policy because of one that cannot be read; nil if there is nobody.
    private var bereft: String? {
        guard !policies.library.problems.isEmpty else { return nil }
        if programs.hasFormerPolicies(nil), kernel.policyWord(PolicyService.host) == 0 { return "the host" }
        return containers.first { programs.hasFormerPolicies($0.reference) && kernel.policyWord($0.reference.slot) == 0 }?.name
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
    /// Not before this (nanoseconds, monotonic).
    var next: UInt64 = 0
    /// Why the earlier version stays.
    var problem = ""
}
