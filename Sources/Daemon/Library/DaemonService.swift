import CABI
import CLinux
import Core
import Glibc
import HookWire
import Kernel
import Logging

/// The daemon: one thread around one epoll set. Whatever happens, happens in the order in which it is read here.
final class DaemonService {
    /// Events taken from the ring before anything else is looked at, what is to be sent of them among it: some 700 KiB for each reader.
    private static let eventBatch = 2048

    let configuration: ConfigurationFile
    let programs: KernelPrograms
    let kernel: PinnedMaps
    let started = Clocks.sinceBoot
    let usage = ProcessUsage()
    let logger: DaemonLogger
    let poller: Poller
    var registry: Registry<PinnedMaps>
    private(set) var hooks: HookServer!
    private(set) var control: ControlServer!
    private(set) var policies: PolicyService!
    private(set) var replay: ReplayService!
    private(set) var pauses: PauseService!
    private(set) var visibility: VisibilityService!
    private(set) var alertRing: RingBuffer?
    private(set) var alertsRead: UInt64 = 0
    /// Alerts about events, where nothing is enforced.
    private(set) var alertsObserved: UInt64 = 0
    private(set) var eventRing: RingBuffer!
    private var pace: EventPace!
    private(set) var emptyRing: RingBuffer!
    private var signals: SignalSource
    /// Of connections, which all have the same patience; and of what takes longer: a pause of hours must not keep a silent peer.
    private var timer: Deadline
    private var alarm: Deadline
    private(set) var spool = SpoolCounters()
    private(set) var outcomes = HookOutcomes()
    private(set) var naming = StoredNaming()
    private var spoolWatch = SpoolWatch()
    private var pinWatch = PinWatch()
    var takeover = TakeoverState()
    private(set) var eventsRead: UInt64 = 0
    private(set) var eventsUnknown: UInt64 = 0
    /// Events that policies were asked about and that are not to be seen.
    private(set) var eventsHidden: UInt64 = 0
    private var isStopping = false
    private var workloads: [SlotReference: WorkloadIdentity] = [:]
    /// Beyond it all are forgotten and read again as they are needed.
    private static let workloadLimit = 512

    init(configuration: ConfigurationFile, logger: DaemonLogger) throws(PortcullisError) {
        self.configuration = configuration
        self.logger = logger
        let settings = configuration.current
        try RuntimeDirectory.prepare(for: settings.hookSocket)
        try RuntimeDirectory.prepare(for: settings.controlSocket)
        try RuntimeDirectory.lock(for: settings.hookSocket)
        try RuntimeDirectory.lock(for: settings.controlSocket)
        try DescriptorLimit.raise(for: settings.capacity)
        programs = try KernelPrograms(
            directory: settings.bpfDirectory,
            sizes: .init(
                capacity: settings.capacity, eventRing: settings.eventBuffer << 10,
                labelStore: settings.labelStore == .auto ? nil : settings.labelStore == .hash ? .hash : .tasks),
            requiresEnforcement: settings.requireEnforcement, protectsItself: settings.selfProtection)
        for kept in programs.keptFromPins {
            logger.logger.warning("\(kept) as it was pinned; remove the pins for the new value to apply", metadata: ["pins": "\(programs.directory)"])
        }
        if programs.variant.capacity > settings.capacity { try DescriptorLimit.raise(for: programs.variant.capacity) }
        kernel = try PinnedMaps(programs)
        registry = Registry(kernel: kernel)
        poller = try Poller()
        signals = try SignalSource(poller)
        timer = try Deadline(poller, PollToken(.timer))
        alarm = try Deadline(poller, PollToken(.alarm))
        eventRing = try kernel.eventRing { [unowned self] in take($0) }
        emptyRing = try kernel.emptySlotRing { [unowned self] in slotEmpty($0) }
        pace = try EventPace(eventRing.descriptor, poller)
        try poller.add(emptyRing.descriptor, PollToken(.emptySlots))
        alertRing = try kernel.alertRing { [unowned self] in takeAlert($0) }
        if let alertRing { try poller.add(alertRing.descriptor, PollToken(.alerts)) }
        if !programs.enforcement.isActive, settings.requireEnforcement {
            throw PortcullisError(.kernel, "nothing can be enforced here, and require-enforcement is set: \(programs.enforcement.reason)")
        }
        try adopt()
        pauses = PauseService(kernel: kernel, logger: logger.logger)
        pauses.adopt(containers)
        replay = ReplayService(mode: settings.replay, kernel: kernel, logger: logger.logger, started: started)
        policies = PolicyService(
            kernel: kernel, enforces: programs.enforcement.isActive, configuration: configuration, logger: logger.logger)
        visibility = VisibilityService(kernel: kernel, programs: programs, configuration: settings, logger: logger.logger)
        visibility.update(settings, containers)
        registry.slotFreed = { [unowned self] in
            policies.freed($0)
            visibility.freed($0)
        }
        try policies.start(containers, poller)
        hooks = try HookServer(
            path: settings.hookSocket, poller: poller,
            peers: PeerCheck(kernel: kernel, strict: settings.strictMountNamespace) { [unowned self] in
                registry.isMember($1, labelled: $0, of: configuration.current.agentNamespace)
            },
            logger: logger.logger,
            handlers: HookHandlers(
                handle: { [unowned self] in handle($0, $1, $2) },
                hold: { [unowned self] in replay.hold($0, peer: $1, isKnown: registry.knows($0)) },
                mark: { [unowned self] in take($0) },
                report: { [unowned self] in take($0) },
                brokenOff: { [unowned self] in release(replay.brokenOff()) }))
        var events: EventsListener?
        do { events = try EventsListener(settings.eventsSocket, poller) } catch { logger.logger.warning("nobody but root can read what happens: \(error)") }
        control = try ControlServer(
            path: settings.controlSocket, events: events, poller: poller, logger: logger.logger, peers: { [unowned self] in hooks.peers },
            answers: ControlAnswers(
                status: { [unowned self] in StatusReport(self).json() }, containers: { [unowned self] in containerListing() },
                policies: { [unowned self] in policies.listing($0, containers) },
                apply: { [unowned self] in policies.apply($0, isMeant: $1, containers) },
                delete: { [unowned self] identity throws(PortcullisError) in try policies.delete(identity, containers) },
                pause: { [unowned self] text throws(PortcullisError) in try pauses.carryOut(text, containers) },
                stop: { [unowned self] in
                    logger.logger.info("asked to stop by portcullis down")
                    isStopping = true
                },
                unlock: { [unowned self] text throws(PortcullisError) in try unlock(text) }, sender: { [unowned self] in sender },
                readersChangePolicies: { configuration.current.eventsSocketPolicies }))
        do {
            try RuntimeDirectory.prepare(for: settings.spool + "/frame")
            try spoolWatch.watch(settings.spool, poller)
        } catch { logger.logger.warning("messages that come into the spool are seen at the next start only: \(error)") }
        // Nothing above kept this daemon from serving, and what is in the spool is read once: from here on the earlier version does not come back.
        if programs.formerVersion != nil { try programs.markWhole() }
        drainSpool()
        settleTakeover()
        do { try pinWatch.watch(programs.directory, poller) } catch { logger.logger.warning("pins that somebody removes are seen in status only: \(error)") }
        try configuration.watch(poller)
        do { try programs.protectItself() } catch { logger.logger.error("this daemon is not protected: \(error)") }
        // The program that looks has to be started while that may be done, and is served as soon as the loop runs.
        release(replay.start(settings, poller))
        // Last of all: the start needs more than serving does.
        if settings.sandbox { try Sandbox.enter() }
    }

    /// Until a daemon starts again, or for some seconds.
    private func unlock(_ text: String) throws(PortcullisError) -> [UInt8] {
        guard let seconds = UInt64(text), seconds <= UInt64(Pause.longest) else { throw PortcullisError(.peer, "unlocking takes up to \(Pause.longest) seconds") }
        try programs.unlock(until: seconds == 0 ? UInt64.max : Clocks.sinceBoot + seconds * 1_000_000_000)
        logger.logger.warning("unlocked: everybody who is in no container may touch what is the daemon's own", metadata: ["seconds": "\(seconds)"])
        return Array("{}".utf8)
    }

    /// What hooks left behind is carried out like what they send: the socket is open already, so no new message is missed.
    private func drainSpool() {
        let (counters, complaints) = SpoolReader(directory: configuration.current.spool).drain { message, body in
            // It is not the spool that is to be answered, so that the file can go at once.
            if message.operation == .remove, replay.hold(message.containerID, peer: nil, isKnown: registry.knows(message.containerID)) {
                return HookAnswer(code: .removed, abi: abiVersion)
            }
            return handle(message, body) { false }
        }
        replay.label()
        spool.add(counters)
        for complaint in complaints { logger.logger.warning("in the spool: \(complaint)") }
        guard counters.accepted + counters.refused > 0 else { return }
        logger.logger.info(
            "carried out what hooks had left in the spool",
            metadata: ["accepted": "\(counters.accepted)", "refused": "\(counters.refused)"])
    }

    /// Serves until SIGTERM or SIGINT. What is in the kernel stays there.
    func run() throws(PortcullisError) {
        SystemdNotify.send("READY=1\nSTATUS=\(registry.count) containers")
        logger.logger.info(
            "portcullisd \(BuildVersion.text) is ready",
            metadata: [
                "hook-socket": "\(configuration.current.hookSocket)", "pins": "\(programs.directory)",
                "labels": "\(programs.variant.labelStore)", "fork": programs.variant.forkByLSM ? "lsm" : "tracepoint",
                "adopted-containers": "\(registry.counters.adopted)",
            ])
        let protection = programs.selfProtection
        if protection.isOn {
            logger.logger.info("what is the daemon's own in the kernel is guarded")
        } else if configuration.current.selfProtection, programs.enforcement.isActive {
            logger.logger.warning("what is the daemon's own is not guarded: \(protection.reason)")
        }
        for warning in configuration.current.warnings { logger.logger.warning("\(warning)") }
        if programs.enforcement.isActive {
            if KernelFeatures.hidesSymbols {
                logger.logger.warning("/proc/kallsyms shows this daemon no addresses: a path that is renamed while it is followed cannot be recognised (kptr_restrict, or a unit with ProtectKernelTunables or ProtectKernelLogs)")
            }
            logger.logger.info("policies are enforced", metadata: ["hooks": "\(programs.enforcement.hooks.count)", "missing": "\(programs.enforcement.missing)"])
        } else {
            logger.logger.warning("nothing is enforced here, only observed: \(programs.enforcement.reason)")
        }
        while !isStopping {
            let ready = try poller.wait(awake: hooks.awakeUntil)
            // Before anything else: what a container did is reported while the registry still knows it. Alerts first, whose ring is the smaller.
            alertRing?.consume(limit: Self.eventBatch)
            try pace.woken(consumed: eventRing.consume(limit: Self.eventBatch), of: Self.eventBatch, isTimer: ready.contains(PollToken(.pace)))
            for token in ready { try serve(token) }
            if programs.formerVersion != nil { settleTakeover() }
            hooks.settle()
            control.flush()
            if !timer.isArmed, let deadline = hooks.nextDeadline { timer.set(deadline) }
            if let deadline = replay.deadline { alarm.set(deadline) }
            if let deadline = pauses.deadline { alarm.set(deadline) }
            if let deadline = visibility.deadline { alarm.set(deadline) }
            if let deadline = takeover.next { alarm.set(deadline) }
        }
        SystemdNotify.send("STOPPING=1")
        hooks.close(path: configuration.current.hookSocket)
        control.close(path: configuration.current.controlSocket)
        logger.logger.info("stopped; programs and identities stay in the kernel", metadata: ["containers": "\(registry.count)"])
    }

    private func serve(_ token: PollToken) throws(PortcullisError) {
        switch token.kind {
        case .signals: signals.read().forEach(receive)
        case .hookListener: hooks.accept()
        case .controlListener: control.accept()
        case .hookPeer: hooks.serve(token.descriptor)
        case .eventsListener: control.acceptReaders()
        case .controlClient: control.serve(token.descriptor)
        case .events, .alerts, .pace: break
        case .policies:
            policies.directory.clear()
            policies.readDirectory(containers)
        case .emptySlots: emptyRing.consume(limit: Self.eventBatch)
        case .container: processEnded(token.reference)
        case .spool:
            spoolWatch.clear()
            drainSpool()
        case .configuration: if configuration.hasChanged() { reload() }
        case .timer:
            timer.expired()
            hooks.closeSilent(now: Clocks.monotonic)
        case .alarm:
            alarm.expired()
            release(replay.expired(now: Clocks.monotonic))
            pauses.expired(containers)
            visibility.expired(now: Clocks.monotonic)
        case .replay: release(replay.programEnded())
        case .pins:
            let missing = pinWatch.news(programs.missingPins)
            guard !missing.isEmpty else { return }
            control.publishSender()
            logger.logger.critical("somebody has removed pins, and what they held is not in force any more: restart this daemon", metadata: ["programs": "\(missing)"])
        }
    }

    // MARK: Containers

    var containers: [Container] { registry.usedSlots.compactMap { registry.container(inSlot: $0) } }

    private func adopt() throws(PortcullisError) {
        for (reference, descriptor) in try registry.adopt() { try poller.add(descriptor, PollToken(reference)) }
        let counters = registry.counters
        guard counters.adopted + counters.discarded > 0 else { return }
        logger.logger.info(
            "took over what an earlier daemon left",
            metadata: ["containers": "\(counters.adopted)", "discarded": "\(counters.discarded)"])
    }

    private func handle(_ message: HookMessage, _ body: ArraySlice<UInt8>, _ hookWaits: () -> Bool) -> HookAnswer {
        let answer = switch message.operation {
        case .add: add(message, body, hookWaits)
        case .remove: remove(message.containerID)
        }
        outcomes.time(message, answer.code)
        return answer
    }

    /// No flood of events may keep alerts waiting.
    private func readRings() {
        alertRing?.consume(limit: Self.eventBatch)
        eventRing.consume(limit: Self.eventBatch)
    }

    private func remove(_ id: [UInt8]) -> HookAnswer {
        // What the container did before its end is read before the end is.
        readRings()
        let answer = registry.remove(id)
        logger.logger.debug("remove", metadata: ["container": "\(text(id))", "answer": "\(answer.code)"])
        return answer
    }

    // MARK: Hooks that did not succeed

    private func take(_ report: HookReport) {
        outcomes.count(report)
        logger.logger.warning(
            "a hook did not register its container: \(text(report.problem))",
            metadata: ["container": "\(text(report.containerID))", "ending": "\(report.ending)"])
    }

    // MARK: Replay

    private func take(_ mark: ReplayMark) -> HookAnswer {
        switch mark {
        case .begin: replay.begin()
        case .end(let problems): release(replay.end(problems: problems))
        }
        return HookAnswer(code: .noted, abi: abiVersion)
    }

    /// Carries out the removes that waited, in their order.
    private func release(_ waiting: [ReplayLedger.WaitingRemove]) {
        for waited in waiting {
            let answer = remove(waited.id)
            if let peer = waited.peer { hooks.answer(held: peer, answer) }
        }
    }

    private func add(_ message: HookMessage, _ bare: ArraySlice<UInt8>, _ hookWaits: () -> Bool) -> HookAnswer {
        outcomes.count(message)
        let body = naming.named(message, bare)
        for problem in naming.problems { logger.logger.warning("a container has \(problem)", metadata: ["container": "\(text(message.containerID))"]) }
        let seen = visibility.flags(body)
        visibility.expect(seen)
        let result = registry.add(message, body: body, now: Clocks.sinceBoot, hookWaits: hookWaits, visibility: seen) { () throws(PortcullisError) in
            try policies.word(for: body)
        }
        if message.sources != 0, message.runtime == nil { replay.note(message, result.answer.code, isNew: result.watch != nil) }
        if let updated = result.updated, let container = registry.container(inSlot: updated.slot) {
            workloads[updated] = nil
            control?.forget(updated)
            visibility.registered(updated.slot, visibility.flags(container.message[...]))
            policies.update(container)
        }
        if let watch = result.watch {
            visibility.registered(watch.reference.slot, seen)
            policies.registered(watch.reference, message, isStarted: message.hasStarted || !hookWaits() || kernel.isRootKnown(watch.reference.slot))
            do {
                try poller.add(watch.descriptor, PollToken(watch.reference))
                if let container = registry.container(inSlot: watch.reference.slot) { pauses.registered(container) }
                if let container = registry.container(inSlot: watch.reference.slot), message.hasStarted || message.sources != 0 || !hookWaits() {
                    replay.needsLabels(watch.reference, cgroup: container.process.cgroup)
                    // A scan's when all are known, and a runtime's many together: a look at all tasks for each would take the longer the more there are.
                    if message.sources == 0, hookWaits() { replay.label() }
                    if message.runtime != nil, replay.ledger.state != .scanning { replay.labelSoon() }
                }
                logger.logger.debug("registered", metadata: ["container": "\(text(message.containerID))", "slot": "\(watch.reference.slot)"])
            } catch {
                // Without the watch its end would go unseen: better no container than one that never goes.
                logger.logger.error("cannot watch a container's init: \(error)")
                _ = try? registry.processEnded(watch.reference)
                return HookAnswer(code: .kernel, abi: abiVersion, reason: Array("cannot watch the init: \(error)".utf8))
            }
        } else if !result.answer.code.accepted {
            logger.logger.warning(
                "refused a container: \(text(result.answer.reason))",
                metadata: ["container": "\(text(message.containerID))", "code": "\(result.answer.code)"])
        }
        return result.answer
    }

    private func processEnded(_ reference: SlotReference) {
        readRings()
        do {
            guard let container = try registry.processEnded(reference) else { return }
            try registry.sweep()
            logger.logger.debug("its init has ended", metadata: ["container": "\(container.name)"])
        } catch {
            // The daemon goes on: what the kernel would not take back now is taken back by the next sweep or start.
            logger.logger.error("ending a container: \(error)")
        }
    }

    private func slotEmpty(_ reference: SlotReference) {
        readRings()
        do { try registry.slotEmpty(reference) } catch { logger.logger.error("freeing a slot: \(error)") }
    }

    /// The containers in the order of their slots, one at a time: those that come and go meanwhile may be among them or not.
    private func containerListing() -> () -> [UInt8]? {
        var slot: UInt32 = 0
        return { [unowned self] in
            while slot < UInt32(kernel.capacity) {
                defer { slot += 1 }
                guard let container = registry.container(inSlot: slot) else { continue }
                return ContainerReport(container, tasks: kernel.slot(slot).tasks, policies: policies.policies(ofSlot: slot)).json()
            }
            return nil
        }
    }

    // MARK: Events

    private var sender: FeedSender {
        var sender = FeedSender()
        sender.version = "\(BuildVersion.text)"
        sender.abi = abiVersion
        sender.hostName = policies.node.hostName
        sender.enforces = programs.enforcement.isActive
        sender.missingPrograms = programs.missingPins
        return sender
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        eventsRead += 1
        guard let control else { return }
        let observes = !programs.enforcement.isActive && (control.hasAlertSubscribers || !control.alertRecordReaders.isEmpty)
        guard observes || control.hasSubscribers || !control.eventRecordReaders.isEmpty else { return }
        guard let outline = Event.Outline(bytes) else { return }
        let container = outline.source == .host ? nil : registry.container(outline.reference)
        if container == nil, outline.source != .host { eventsUnknown += 1 }
        // Read whole only where it is worded or judged here.
        let event = control.hasSubscribers || observes && outline.kind == .exec ? Event(bytes) : nil
        if observes, let container, let event { observe(event, container) }
        if let container, visibility.hides(outline.kind, of: container) {
            eventsHidden += 1
            return
        }
        control.publish(event: bytes, container)
        guard control.hasSubscribers, let event else { return }
        control.publish(containerID: container?.id ?? []) {
            event.json(container, workload(of: container), wallClockOffset: Clocks.wallOffset)
        }
    }

    /// Where nothing is denied, says at least what would have been.
    private func observe(_ event: Event, _ container: Container) {
        guard let observer = policies.observer(ofSlot: container.reference.slot), let alert = observer.alert(event) else { return }
        alertsObserved += 1
        let set = policies.compiled(slot: container.reference.slot)
        alert.withRecord { record in control.publish(alert: record, container) { FeedRule(of: alert, in: set) } }
        control.publish(alertOf: container.id) {
            alert.json(set, container, workload(of: container), wallClockOffset: Clocks.wallOffset)
        }
    }

    /// Names of containers with recent events: reading them out of the message costs more than the rest of an event.
    private func workload(of container: Container?) -> WorkloadIdentity {
        guard let container else { return WorkloadIdentity() }
        if let known = workloads[container.reference] { return known }
        if workloads.count >= Self.workloadLimit { workloads.removeAll(keepingCapacity: true) }
        let workload = container.workload
        workloads[container.reference] = workload
        return workload
    }

    private func takeAlert(_ bytes: UnsafeRawBufferPointer) {
        alertsRead += 1
        guard let control, control.hasAlertSubscribers || !control.alertRecordReaders.isEmpty else { return }
        guard let alert = Alert(bytes) else { return }
        let container = registry.container(alert.reference)
        if !control.alertRecordReaders.isEmpty {
            alert.withRecord { record in control.publish(alert: record, container) { FeedRule(of: alert, in: policies.set(of: alert)) } }
        }
        guard control.hasAlertSubscribers else { return }
        control.publish(alertOf: container?.id ?? []) {
            alert.json(policies.set(of: alert), container, workload(of: container), wallClockOffset: Clocks.wallOffset)
        }
    }

    // MARK: Signals and settings

    private func receive(_ signal: Int32) {
        switch signal {
        case SIGHUP: reload()
        default:
            logger.logger.info("asked to stop", metadata: ["signal": "\(signal)"])
            isStopping = true
        }
    }

    private func reload() {
        SystemdNotify.send("RELOADING=1")
        let changes = configuration.reload()
        visibility.update(configuration.current, containers)
        hooks.peers.strict = configuration.current.strictMountNamespace
        logger.setLevel(configuration.current.logLevel)
        switch changes {
        case .success(let report):
            for warning in configuration.current.warnings { logger.logger.warning("\(warning)") }
            logger.logger.info("configuration read again", metadata: ["applied": "\(report.applied)", "needs-restart": "\(report.deferred)"])
        case .failure(let error):
            logger.logger.error("the configuration is wrong, the old one stays in force: \(error)")
        }
        policies.update(configuration)
        // Switches every container whose policies or posture are others now.
        policies.readDirectory(containers)
        SystemdNotify.send("READY=1")
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
