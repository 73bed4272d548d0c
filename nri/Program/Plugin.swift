#if NRI
import CLinux
import Core
import Glibc
import HookWire
import LineLog
import Logging
import NRI
import NRIProtocol

/// The plugin's one thread: waits for the runtime, the daemon, the directories and the clock.
final class Plugin {
    /// How far the connection to the runtime is.
    enum State: String {
        case disconnected
        /// The runtime has been asked to have this plugin.
        case registering
        /// It has, and has not told yet what it runs.
        case connected
        /// It has told what it runs, and tells what happens.
        case receiving
    }

    /// Nanoseconds from connecting to `receiving`. The runtime itself waits for 5 s, and for 2 s for each answer.
    private static let registration: UInt64 = 15_000_000_000
    /// The same for one that the runtime has started, from its being registered.
    private static let launchedPatience: UInt64 = 3_000_000_000
    /// Nanoseconds between two looks for a directory that is not there yet.
    private static let watching: UInt64 = 10_000_000_000
    private let options: Options
    private let logger: Logger
    private let requests: Requests
    private var watches: Watches
    private var status: StatusSocket
    private var connection: RuntimeConnection?
    private var state = State.disconnected
    private var stateDeadline: UInt64?
    private var retryAt: UInt64?
    private var runtimeBackoff = Backoff(first: 20_000_000, last: 1_000_000_000)
    private var silence = SilenceWatch()
    private var replay: Replay?
    private var replayAt: UInt64?
    private var daemonBackoff = Backoff(first: 200_000_000, last: 5_000_000_000)
    /// The runtime that started this process, which starts another when it starts again; nil if it was somebody else.
    private let launcher: pid_t?
    /// Whether the connection is the one that the launcher has left to this process.
    private var isHandedOver: Bool
    private var problem = ""

    /// - Parameter launched: The descriptor that the runtime has left to this process; nil if it was not the runtime that started it.
    init(_ options: Options, _ logger: Logger, launched: Int32?) throws(PortcullisError) {
        self.options = options
        self.logger = logger
        requests = Requests(options, logger)
        watches = try Watches(hookSocket: options.hookSocket, runtimeSocket: options.socket, states: options.runtimeState)
        launcher = launched == nil ? nil : getppid()
        isHandedOver = launched != nil
        status = StatusSocket(options.statusSocket)
        if let launched { connection = RuntimeConnection(descriptor: launched) }
    }

    /// Serves until the process ends.
    ///
    /// - Returns: When the runtime that started this process has gone. One that has only dropped it is asked to have it again, at its socket.
    func run() {
        requests.told = { [unowned self] in silence.settled($0) }
        if let connection { welcome(connection) } else { connect() }
        while true {
            // What happened before a directory could be watched may have been the daemon's return.
            if watches.renew() {
                requests.owesReplay = true
                status.again()
            }
            if let reason = status.renew(now: HostFacts.now) { logger.warning("nobody can ask for this plugin's state: \(reason)") }
            wait()
            let now = HostFacts.now
            if let stateDeadline, stateDeadline <= now { missSynchronization(now) }
            if state == .receiving, silence.isSilent(now: now, exists: watches.exists) {
                requests.counters.silences += 1
                lose("containers appear of which the runtime does not tell", now)
            }
            if connection == nil, launcherHasGone { return }
            if let retryAt, retryAt <= now { connect() }
            if let replay, replay.deadline <= now { failReplay("the daemon has not answered in time") }
            startReplay(now)
        }
    }

    /// What still lives of it has a plugin of its own again, or none is wanted any more.
    private var launcherHasGone: Bool { launcher.map { $0 != getppid() } ?? false }

    // MARK: Waiting

    private func wait() {
        var descriptors: [pollfd] = [pollfd(fd: watches.descriptor, events: Int16(POLLIN), revents: 0)]
        for descriptor in [connection?.descriptor, replay?.descriptor, status.descriptor] {
            descriptors.append(pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0))
        }
        let now = HostFacts.now
        let deadlines = [
            stateDeadline, retryAt, replay?.deadline, wantsReplay ? replayAt ?? 0 : nil, state == .receiving ? silence.deadline : nil,
            watches.isComplete ? nil : now + Self.watching, status.deadline,
        ]
        // Rounded up: what is early would come round again.
        let timeout = deadlines.compactMap { $0 }.min().map { $0 <= now ? 0 : Int32(min(($0 - now + 999_999) / 1_000_000, 60_000)) } ?? -1
        guard poll(&descriptors, nfds_t(descriptors.count), timeout) > 0 else { return }
        if descriptors[1].revents != 0 { serve() }
        if descriptors[2].revents != 0 { proceed() }
        if descriptors[0].revents != 0 { look() }
        if descriptors[3].revents != 0 { status.answer(report(), now: HostFacts.now) }
    }

    private func look() {
        for notice in watches.read() {
            switch notice {
            case .daemonIsBack:
                requests.owesReplay = true
                replayAt = nil
                daemonBackoff.reset()
            // It listens in a moment, and may start pods from then on.
            case .runtimeIsBack:
                guard connection == nil else { break }
                runtimeBackoff.reset()
                retryAt = HostFacts.now
            case .appeared(let id): if !requests.knows(id) { silence.appeared(id, now: HostFacts.now) }
            case .overflow: requests.owesReplay = true
            }
        }
    }

    // MARK: The runtime

    private func connect() {
        retryAt = nil
        do throws(PortcullisError) { welcome(try RuntimeConnection(options.socket)) } catch {
            let text = error.description
            if text != problem { logger.warning("\(text); trying again") }
            problem = text
            retryAt = HostFacts.now + runtimeBackoff.delay()
        }
    }

    private func welcome(_ new: RuntimeConnection) {
        connection = new
        retryAt = nil
        requests.counters.connections += 1
        move(to: .registering)
        stateDeadline = HostFacts.now + Self.registration
        do throws(PortcullisError) { try new.register(name: options.name, index: options.index) } catch { lose(error.description, HostFacts.now) }
    }

    private func move(to next: State) {
        state = next
        if next == .receiving || next == .disconnected { stateDeadline = nil }
        logger.debug("\(next.rawValue)")
    }

    private func lose(_ reason: String, _ now: UInt64) {
        connection?.close()
        connection = nil
        isHandedOver = false
        requests.forgetParts()
        if reason != problem { logger.warning("the connection to the runtime is lost: \(reason)") }
        problem = reason
        move(to: .disconnected)
        retryAt = now + runtimeBackoff.delay()
    }

    /// Reads and answers what has come.
    private func serve() {
        do throws(PortcullisError) {
            guard let incoming = try connection?.read() else { return }
            for message in incoming {
                switch message {
                case .answer(let code, let text): try registered(code, text)
                case .call(let method, let payload, let stream, let timeout): try answer(method, payload, stream, timeout)
                }
            }
        } catch { lose(error.description, HostFacts.now) }
    }

    private func registered(_ code: Int32, _ text: String) throws(PortcullisError) {
        guard code == 0 else {
            requests.counters.refusedByRuntime += 1
            // It leaves the connection open, and nothing ever comes of it.
            throw PortcullisError(.peer, "the runtime does not have this plugin: \(text) (status \(code))")
        }
        guard state == .registering else { return }
        move(to: .connected)
        if isHandedOver { stateDeadline = HostFacts.now + Self.launchedPatience }
    }

    /// containerd 1.7 does not tell a plugin that it has started itself what runs; any other that has not been told is not going to be told of events either.
    private func missSynchronization(_ now: UInt64) {
        guard isHandedOver, state == .connected else { return lose("the runtime has not told what it runs in time", now) }
        move(to: .receiving)
        logger.warning("the runtime does not tell the plugins that it starts what it runs already: pods from before are known by the daemon's own look only")
    }

    private func answer(_ method: String, _ payload: [UInt8], _ stream: UInt32, _ timeout: Int64) throws(PortcullisError) {
        let arrived = HostFacts.now
        let (answer, event, isLast) = try reply(method, payload)
        switch answer {
        case .payload(let message): try connection?.answer(stream, message)
        case .refusal(let code, let reason): try connection?.refuse(stream, code: code, reason)
        }
        let taken = HostFacts.now - arrived
        if let event { requests.counters.answerTimes[event, default: LatencyHistogram()].add(nanoseconds: taken) }
        if timeout > 0, taken > UInt64(timeout) {
            requests.counters.late += 1
            // It has gone on without this plugin, and may not tell it anything any more.
            throw PortcullisError(.peer, "\(method) was answered after \(taken / 1_000_000) ms, and the runtime waits for \(timeout / 1_000_000)")
        }
        if isLast { synchronized() }
    }

    private func reply(_ method: String, _ payload: [UInt8]) throws(PortcullisError) -> (answer: Requests.Answer, event: RuntimeEvent?, isLast: Bool) {
        switch method {
        case "Configure": return (try requests.configure(payload), nil, false)
        case "Synchronize":
            let (answer, isLast) = try requests.synchronize(payload)
            return (answer, nil, isLast)
        case "Shutdown": return (.payload(Nri_Pkg_Api_V1alpha1_SynchronizeResponse()), nil, false)
        case "ValidateContainerAdjustment": return (try requests.validate(payload), .validateContainerAdjustment, false)
        case "StateChange":
            let change: Nri_Pkg_Api_V1alpha1_StateChangeEvent = try RuntimeConnection.decode(payload, method)
            // One that is not known yet is none that was asked for.
            guard let event = RuntimeEvent(rawValue: change.event) else { return (.payload(Nri_Pkg_Api_V1alpha1_SynchronizeResponse()), nil, false) }
            return (requests.take(event, change.pod, change.container), event, false)
        default:
            guard let event = RuntimeEvent(method: method) else { return (.refusal(code: 12, "no method \(method)"), nil, false) }
            let request: Nri_Pkg_Api_V1alpha1_ContainerRequest = try RuntimeConnection.decode(payload, method)
            return (requests.take(event, request.pod, request.container), event, false)
        }
    }

    private func synchronized() {
        requests.takeOver()
        replayAt = nil
        move(to: .receiving)
        problem = ""
        runtimeBackoff.reset()
        if silence.synchronized(tells: { requests.ledger.contains($0) }) { requests.counters.silencesConfirmed += 1 }
        let runtime = requests.runtime
        logger.info("receiving events", metadata: ["runtime": "\(runtime.name) \(runtime.version)", "validates": "\(runtime.validates)"])
        if !watches.watchesRuntime {
            logger.info("nothing of the runtime's state is seen, so that its silence cannot be noticed", metadata: ["directories": "\(options.runtimeState.joined(separator: " "))"])
        }
    }

    // MARK: The daemon

    /// Whether the daemon is to be told: of nothing only if nothing is what the runtime has told.
    private var wantsReplay: Bool { requests.owesReplay && replay == nil && (state == .receiving || requests.ledger.count > 0) }

    private func startReplay(_ now: UInt64) {
        guard wantsReplay, replayAt ?? 0 <= now else { return }
        do throws(PortcullisError) {
            let begun = try Replay(requests.living(), socket: options.hookSocket)
            requests.owesReplay = false
            replay = begun
            if begun.isOver { finish(begun) }
        } catch {
            logger.debug("\(error)")
            replayAt = now + daemonBackoff.delay()
        }
    }

    private func proceed() {
        do throws(PortcullisError) {
            guard try replay?.proceed() == true, let ended = replay else { return }
            finish(ended)
        } catch { failReplay(error.description) }
    }

    private func finish(_ ended: Replay) {
        ended.close()
        replay = nil
        daemonBackoff.reset()
        requests.counters.replays += 1
        requests.counters.replayed += UInt64(ended.registered)
        requests.counters.replayRefused += UInt64(ended.refused.count)
        for (id, reason) in ended.refused { logger.warning("refused by portcullisd: \(reason)", metadata: ["container": "\(id)"]) }
        logger.info("told the daemon what runs", metadata: ["registered": "\(ended.registered)", "refused": "\(ended.refused.count)"])
    }

    private func failReplay(_ reason: String) {
        replay?.close()
        replay = nil
        requests.owesReplay = true
        replayAt = HostFacts.now + daemonBackoff.delay()
        logger.warning("telling the daemon what runs: \(reason)")
    }

    // MARK: Its state

    private func report() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("version", BuildVersion.text.description)
            writer.member("pid", getpid())
            writer.member("state", state.rawValue)
            writer.member("problem", problem)
            writer.member("socket", options.socket)
            writer.member("runtime", requests.runtime.name)
            writer.member("runtimeVersion", requests.runtime.version)
            writer.member("validates", requests.runtime.validates)
            writer.member("known", requests.ledger.count)
            writer.member("knownDropped", requests.ledger.dropped)
            writer.member("logLinesLost", LineLogHandler.linesLost)
            writer.member("owesReplay", requests.owesReplay || replay != nil)
            writer.member("watchesRuntime", watches.watchesRuntime)
            writer.key("counters")
            writer.object { requests.counters.write(&$0) }
        }
        return writer.bytes
    }
}
#endif
