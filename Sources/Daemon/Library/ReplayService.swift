import Core
import Glibc
import HookWire
import Kernel
import Logging

/// The containers that were there first: the program that looks for them, the removes that wait for it, and the labels of their tasks.
final class ReplayService {
    /// Nanoseconds until a scan must have begun, and until one must have ended: then removes wait no longer.
    private static let beginning: UInt64 = 10_000_000_000
    private static let scan: UInt64 = 60_000_000_000
    /// Nanoseconds for which a container's tasks wait for a look at all tasks, so that many that are told of one by one share it.
    private static let gathering: UInt64 = 20_000_000

    private(set) var ledger: ReplayLedger
    /// Tasks that were labelled, and that could not be.
    private(set) var labelled: UInt64 = 0
    private(set) var labelsFailed: UInt64 = 0
    /// Nanoseconds from the daemon's start to the end of the first scan.
    private(set) var duration: UInt64 = 0
    private var scanDeadline: UInt64?
    private var labelsDeadline: UInt64?
    /// When the loop is to look at this again, on the monotonic clock.
    var deadline: UInt64? { [scanDeadline, labelsDeadline].compactMap { $0 }.min() }
    private let kernel: PinnedMaps
    private let logger: Logger
    private let started: UInt64
    private var program: ReplayProgram?
    /// Registered while they ran already: what they started before has no label yet.
    private var unlabelled: [(reference: SlotReference, cgroup: UInt64)] = []

    init(mode: Configuration.Replay, kernel: PinnedMaps, logger: Logger, started: UInt64) {
        ledger = ReplayLedger(isExpected: mode != .off)
        self.kernel = kernel
        self.logger = logger
        self.started = started
    }

    /// Has the program look, if this daemon is to run it. A machine where it cannot run keeps what it has adopted.
    ///
    /// - Returns: Removes that need not wait.
    func start(_ configuration: Configuration, _ poller: Poller) -> [ReplayLedger.WaitingRemove] {
        // From here on: whoever is to look can be answered. What the daemon did before, policies of many rules for one, took what it took.
        if configuration.replay != .off { scanDeadline = Clocks.monotonic + Self.beginning }
        guard configuration.replay == .auto else { return [] }
        do throws(PortcullisError) {
            let program = try ReplayProgram(configuration: configuration)
            self.program = program
            try poller.add(program.descriptor, PollToken(.replay))
            return []
        } catch { return fail(error.description) }
    }

    /// The program has ended.
    func programEnded() -> [ReplayLedger.WaitingRemove] {
        guard let outcome = program?.outcome() else {
            program = nil
            return ledger.isOpen ? fail("portcullis replay ended without having told of anything") : []
        }
        program = nil
        return fail(outcome)
    }

    /// The deadline has come, or not yet.
    func expired(now: UInt64) -> [ReplayLedger.WaitingRemove] {
        if let labelsDeadline, labelsDeadline <= now { label() }
        guard let scanDeadline, scanDeadline <= now else { return [] }
        if let program { kill(program.pid, SIGKILL) }
        return fail(ledger.state == .expected ? "nobody has looked for running containers" : "looking for running containers has not ended in time")
    }

    private func fail(_ reason: String) -> [ReplayLedger.WaitingRemove] {
        scanDeadline = nil
        label()
        let waiting = ledger.fail(reason)
        logger.error("containers that were there before may be unknown: \(reason)")
        return waiting
    }

    // MARK: A scan

    func begin() {
        ledger.begin()
        scanDeadline = Clocks.monotonic + Self.scan
    }

    func note(_ message: HookMessage, _ code: HookAnswer.Code, isNew: Bool) { ledger.note(message, code, isNew: isNew) }

    /// The closing mark: labels first, then the removes.
    func end(problems: [[UInt8]]) -> [ReplayLedger.WaitingRemove] {
        scanDeadline = nil
        label()
        if ledger.scans == 0 { duration = Clocks.sinceBoot &- started }
        let waiting = ledger.end(problems: problems.map { String(decoding: $0, as: UTF8.self) })
        for problem in ledger.problems { logger.warning("looking for running containers: \(problem)") }
        logger.info(
            "looked for running containers",
            metadata: ["registered": "\(ledger.registered)", "known": "\(ledger.repeated)", "refused": "\(ledger.refused)", "labelled-tasks": "\(labelled)"])
        return waiting
    }

    /// The connection was closed between the marks.
    func brokenOff() -> [ReplayLedger.WaitingRemove] {
        guard ledger.state == .scanning else { return [] }
        return fail("whoever was looking has closed the connection")
    }

    func hold(_ id: [UInt8], peer: UInt64?, isKnown: Bool) -> Bool { ledger.hold(id, peer: peer, isKnown: isKnown) }

    // MARK: Labels

    /// A container was registered that had tasks besides its init.
    func needsLabels(_ reference: SlotReference, cgroup: UInt64) { unlabelled.append((reference, cgroup)) }

    /// Has them labelled in a moment. What they are until then, their namespaces tell.
    func labelSoon() { labelsDeadline = labelsDeadline ?? Clocks.monotonic + Self.gathering }

    /// Labels the tasks of all containers that were registered late since the last time.
    func label() {
        labelsDeadline = nil
        guard !unlabelled.isEmpty else { return }
        defer { unlabelled = [] }
        do throws(PortcullisError) {
            let (given, failed, isSettled) = try kernel.labelTasks(of: unlabelled)
            labelled += UInt64(given)
            labelsFailed += UInt64(failed)
            if failed > 0 { logger.error("\(failed) tasks of containers that were there first could not be labelled; they are known by their namespaces alone") }
            if !isSettled { logger.error("tasks of containers that were there first were still without labels at the last look; they are known by their namespaces alone") }
        } catch { logger.error("labelling the tasks of \(unlabelled.count) containers that were there first: \(error)") }
    }
}
