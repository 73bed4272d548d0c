import Core
import HookWire
import Kernel
import Logging

/// Pauses of enforcement, as an administrator asks for them. The kernel ends them itself; the daemon tells of it, and pauses what starts meanwhile.
final class PauseService {
    private(set) var ledger = PauseLedger()
    private let kernel: PinnedMaps
    private let logger: Logger

    init(kernel: PinnedMaps, logger: Logger) {
        self.kernel = kernel
        self.logger = logger
    }

    /// Begins a pause or ends one; the answer as JSON.
    func carryOut(_ text: String, _ containers: [Container]) throws(PortcullisError) -> [UInt8] {
        let request = try PauseRequest(text: text)
        var ended: [Pause] = []
        if request.seconds == 0 {
            ended = ledger.end(request.scope)
        } else {
            try ledger.begin(Pause(scope: request.scope, until: Clocks.sinceBoot + UInt64(request.seconds) * 1_000_000_000))
        }
        let paused = apply(containers)
        if request.seconds > 0 {
            logger.warning("enforcement is paused: what would be denied is only reported", metadata: ["scope": "\(request.scope.text)", "seconds": "\(request.seconds)", "containers": "\(paused)"])
        } else {
            for pause in ended { logger.warning("enforcement is no longer paused", metadata: ["scope": "\(pause.scope.text)"]) }
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("scope", request.scope.text)
            writer.member("seconds", request.seconds)
            writer.member("containersPaused", paused)
            writer.member("ended", ended.count)
        }
        return writer.bytes
    }

    /// Notes in the kernel until when each container is paused. Returns how many are.
    @discardableResult
    private func apply(_ containers: [Container]) -> Int {
        kernel.setPaused(PolicyService.host, until: ledger.hostUntil)
        var paused = 0
        for container in containers where container.state == .running || kernel.pausedUntil(container.reference.slot) != 0 {
            let until = until(container)
            kernel.setPaused(container.reference.slot, until: until)
            if until != 0 { paused += 1 }
        }
        return paused
    }

    /// A container that was just registered.
    func registered(_ container: Container) {
        guard ledger.next != nil else { return }
        kernel.setPaused(container.reference.slot, until: until(container))
    }

    private func until(_ container: Container) -> UInt64 {
        guard ledger.next != nil, let message = try? HookMessage(decoding: container.message[...]) else { return 0 }
        return ledger.until(id: container.name, namespace: ContainerLabels(message).namespace)
    }

    /// Takes over what an earlier daemon's pauses have left in the slots: they go on to their end.
    func adopt(_ containers: [Container]) {
        let now = Clocks.sinceBoot
        let host = kernel.pausedUntil(PolicyService.host)
        do throws(PortcullisError) {
            if host > now { try ledger.begin(Pause(scope: .everything, until: host)) }
            for container in containers {
                let until = kernel.pausedUntil(container.reference.slot)
                if until > now, until != host { try ledger.begin(Pause(scope: .container(container.name), until: until)) }
            }
        } catch { logger.warning("some pauses of an earlier daemon end with the next change of pauses: \(error)") }
    }

    /// Tells of the pauses whose time has come. The loop wakes for it on the monotonic clock, which stands still in suspend, and so never too early.
    func expired(_ containers: [Container]) {
        let ended = ledger.expire(now: Clocks.sinceBoot)
        guard !ended.isEmpty else { return }
        for pause in ended { logger.warning("a pause of enforcement has ended", metadata: ["scope": "\(pause.scope.text)"]) }
        apply(containers)
    }

    /// On the monotonic clock.
    var deadline: UInt64? {
        ledger.next.map { next in
            let now = Clocks.sinceBoot
            return Clocks.monotonic + (next > now ? next - now : 0)
        }
    }
}
