import CABI
import Core
import HookWire
import Kernel
import LineLog

/// One container as JSON, for `portcullis containers`.
struct ContainerReport {
    let container: Container
    let tasks: Int64
    let policies: [Policy]

    init(_ container: Container, tasks: Int64, policies: [Policy]) {
        self.container = container
        self.tasks = tasks
        self.policies = policies
    }

    func json() -> [UInt8] {
        let workload = container.workload
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", container.name)
            writer.member("name", workload.containerName)
            writer.member("pod", workload.pod)
            writer.member("namespace", workload.namespace)
            writer.member("image", workload.image)
            writer.member("runtime", "\(workload.runtime)")
            writer.member("sandbox", workload.isSandbox)
            writer.member("state", container.state.rawValue)
            writer.member("pid", container.process.pid)
            writer.member("mountNamespace", container.process.key.mount)
            writer.member("pidNamespace", container.process.key.pid)
            writer.member("slot", container.reference.slot)
            writer.member("generation", container.reference.generation)
            writer.member("tasks", max(tasks, 0))
            writer.member("registered", Timestamp.text(nanoseconds: container.registered &+ Clocks.wallOffset))
            writer.member("ageSeconds", (Clocks.sinceBoot &- container.registered) / 1_000_000_000)
            writer.member("bundle", workload.bundle)
            writer.member("cgroup", workload.cgroup)
            writer.member("annotationsCut", workload.annotationsCut)
            // What selectors see of it.
            writer.key("labels")
            writer.object { writer in for (key, value) in container.labels.sorted(by: { $0.key < $1.key }) { writer.member(key, value) } }
            writer.key("annotations")
            writer.object { writer in for (key, value) in container.annotations.sorted(by: { $0.key < $1.key }) { writer.member(key, value) } }
            writer.key("policies")
            writer.array { writer in for policy in policies { writer.string(policy.identity) } }
        }
        return writer.bytes
    }
}

/// The daemon and its kernel side as JSON, for `portcullis status`.
struct StatusReport {
    let daemon: DaemonService

    init(_ daemon: DaemonService) { self.daemon = daemon }

    func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("version", "\(BuildVersion.text)")
            writer.member("abi", abiVersion)
            writer.member("uptimeSeconds", (Clocks.sinceBoot &- daemon.started) / 1_000_000_000)
            writer.member("enforcing", daemon.programs.enforcement.isActive)
            writer.key("enforcement")
            writer.object(enforcement)
            writer.key("kernel")
            writer.object(kernel)
            writer.key("telemetry")
            writer.object(telemetry)
            writer.key("maps")
            writer.object(maps)
            writer.key("replay")
            writer.object(replay)
            writer.key("counters")
            writer.object(counters)
            measures(&writer)
            writer.key("configuration")
            writer.object(configuration)
        }
        return writer.bytes
    }

    private func kernel(_ writer: inout JSONWriter) {
        let programs = daemon.programs
        writer.member("release", KernelFeatures.release)
        switch KernelFeatures.bpfLSM {
        case .enabled: writer.member("bpfLSM", "enabled")
        case .notListed(let list): writer.member("bpfLSM", "not in the list of security modules (\(list))")
        case .unknown: writer.member("bpfLSM", "unknown: /sys/kernel/security/lsm cannot be read")
        }
        writer.member("labels", programs.variant.labelStore == .tasks ? "task storage" : "hash")
        writer.member("fork", programs.variant.forkByLSM ? "lsm/task_alloc" : "tp_btf/sched_process_fork")
        writer.member("pins", programs.directory)
        writer.member("adopted", programs.adopted)
        writer.member("hostNamespaces", daemon.kernel.host == nil ? "the daemon's own (process 1 cannot be read)" : "of process 1")
        writer.key("programs")
        writer.array { writer in for program in programs.programs { writer.string(program) } }
        writer.key("missingPins")
        writer.array { writer in for program in programs.missingPins { writer.string(program) } }
    }

    private func telemetry(_ writer: inout JSONWriter) {
        writer.key("attached")
        writer.array { writer in for name in daemon.programs.telemetryAttached { writer.string(name) } }
        writer.key("missing")
        writer.array { writer in for missing in daemon.programs.telemetryMissing { writer.string(missing) } }
        writer.member("problem", daemon.visibility.problem)
    }

    private func maps(_ writer: inout JSONWriter) {
        writer.member("containers", daemon.registry.count)
        writer.member("capacity", daemon.kernel.capacity)
        writer.member("slots", (0..<UInt32(daemon.kernel.capacity)).count { daemon.kernel.slot($0).state != .free })
        writer.member("records", (try? daemon.kernel.countRecords()) ?? -1)
        // Counted in the kernel, not taken from our own books: the two should agree.
        writer.member("identities", (try? daemon.kernel.identities().count) ?? -1)
        writer.member("bytes", daemon.programs.mapBytes)
    }

    private func enforcement(_ writer: inout JSONWriter) {
        let state = daemon.programs.enforcement
        writer.member("active", state.isActive)
        writer.member("reason", state.reason)
        writer.member("reduced", state.isReduced)
        // 0: none, or none any more.
        writer.member("formerVersion", daemon.programs.formerVersion ?? 0)
        writer.member("formerVersionStays", daemon.takeover.problem)
        writer.key("hooks")
        writer.array { writer in for hook in state.hooks { writer.string(hook) } }
        writer.key("missing")
        writer.array { writer in for hook in state.missing { writer.string(hook) } }
        writer.key("hooksOnDemand")
        writer.array { writer in for hook in daemon.programs.hooksOnDemand { writer.string(hook) } }
        let configuration = daemon.configuration.current, posture = configuration.postures
        writer.member("posture", posture.file.rawValue)
        writer.member("networkPosture", posture.network.rawValue)
        writer.member("capabilitiesPosture", posture.capabilities.rawValue)
        writer.key("namespacePostures")
        writer.object { writer in
            for (namespace, own) in configuration.namespaces.sorted(by: { $0.key < $1.key }) {
                writer.key(namespace)
                writer.object { writer in
                    if let file = own.file { writer.member("posture", file.rawValue) }
                    if let network = own.network { writer.member("networkPosture", network.rawValue) }
                    if let capabilities = own.capabilities { writer.member("capabilitiesPosture", capabilities.rawValue) }
                    if let visibility = own.visibility { writer.member("visibility", visibility.text) }
                }
            }
        }
        writer.key("host")
        writer.object { writer in
            writer.member("posture", configuration.hostPostures.file.rawValue)
            writer.member("networkPosture", configuration.hostPostures.network.rawValue)
            writer.member("capabilitiesPosture", configuration.hostPostures.capabilities.rawValue)
            writer.member("name", daemon.policies.node.hostName)
            writer.key("labels")
            writer.object { writer in
                for (key, value) in daemon.policies.node.labels.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
            }
            writer.key("policies")
            writer.array { writer in for policy in daemon.policies.hostPolicies { writer.string(policy.identity) } }
        }
        writer.member("policies", daemon.policies.library.policies.count)
        writer.member("sets", daemon.policies.setCount)
        writer.member("setBytes", daemon.policies.setBytes)
        writer.member("files", daemon.kernel.files.count)
        writer.member("filesLeftOut", daemon.kernel.files.leftOut)
        writer.member("policyFilesLeftOut", daemon.policies.directory.leftOut)
        let protection = daemon.programs.selfProtection
        writer.key("selfProtection")
        writer.object { writer in
            writer.member("on", protection.isOn)
            writer.member("reason", protection.reason)
            writer.member("unlocked", protection.unlockedUntil > Clocks.sinceBoot)
        }
        writer.key("pauses")
        writer.array { writer in
            for pause in daemon.pauses.ledger.all {
                writer.object { writer in
                    writer.member("scope", pause.scope.text)
                    writer.member("until", Timestamp.text(nanoseconds: pause.until &+ Clocks.wallOffset))
                }
            }
        }
        writer.key("problems")
        writer.array { writer in for problem in daemon.policies.library.problems.prefix(100) { writer.string(problem.description) } }
        writer.key("warnings")
        writer.array { writer in for warning in daemon.policies.library.warnings.prefix(100) { writer.string(warning.description) } }
        writer.key("containersWithOlderPolicies")
        writer.array { writer in
            for (slot, reason) in daemon.policies.stuck.sorted(by: { $0.key < $1.key }).prefix(100) {
                let name = slot == PolicyService.host ? "the host" : daemon.registry.container(inSlot: slot)?.name ?? "slot \(slot)"
                writer.string("\(name): \(reason)")
            }
        }
    }

    private func replay(_ writer: inout JSONWriter) {
        let ledger = daemon.replay.ledger
        writer.member("state", ledger.state.rawValue)
        writer.member("failure", ledger.failure)
        writer.member("scans", ledger.scans)
        writer.member("registered", ledger.registered)
        writer.member("known", ledger.repeated)
        writer.member("refused", ledger.refused)
        writer.member("removesHeld", ledger.held)
        writer.member("removesNotHeld", ledger.notHeld)
        writer.member("tasksLabelled", daemon.replay.labelled)
        writer.member("tasksNotLabelled", daemon.replay.labelsFailed)
        writer.member("milliseconds", daemon.replay.duration / 1_000_000)
        writer.key("bySource")
        writer.object { writer in
            for (source, name) in ReplaySources.named { if let count = ledger.bySource[source] { writer.member("\(name)", count) } }
        }
        writer.key("problems")
        writer.array { writer in for problem in ledger.problems { writer.string(problem) } }
    }

    private func counters(_ writer: inout JSONWriter) {
        let registry = daemon.registry.counters
        let hooks = daemon.hooks.counters
        let values: [(String, UInt64)] = [
            ("added", registry.added), ("repeated", registry.repeated), ("removed", registry.removed),
            ("removedUnknown", registry.removedUnknown), ("removedStale", registry.removedStale),
            ("endedUnremoved", registry.endedUnremoved), ("keysReplaced", registry.keysReplaced),
            ("refusedGone", registry.refusedGone), ("refusedHost", registry.refusedHost),
            ("refusedShared", registry.refusedShared), ("refusedFull", registry.refusedFull),
            ("refusedKernel", registry.refusedKernel), ("adopted", registry.adopted), ("discarded", registry.discarded),
            ("hookConnections", hooks.connections), ("hookFrames", hooks.frames), ("hookFramesMalformed", hooks.malformed),
            ("hookFramesTooLong", hooks.tooLong), ("hookFramesCut", hooks.cut), ("hookPeersSilent", hooks.silent),
            ("hookPeersEvicted", hooks.evicted), ("hookAnswersUnread", hooks.unread), ("hookOutOfDescriptors", daemon.hooks.acceptor.exhausted), ("hookPeersForeignMounts", hooks.foreignMounts),
            ("hookPeersOfAgent", hooks.ofAgent), ("controlClientsOfAgent", daemon.control.ofAgent),
            ("hookPeersRefused", hooks.refused.values.reduce(0, +)), ("controlClientsRefused", daemon.control.refused),
            ("controlOutOfDescriptors", daemon.control.acceptor.exhausted), ("controlEventsDropped", daemon.control.droppedEvents), ("recordsDropped", daemon.control.droppedRecords),
            ("eventRecordReaders", UInt64(daemon.control.eventRecordReaders.count)), ("alertRecordReaders", UInt64(daemon.control.alertRecordReaders.count)), ("eventsRead", daemon.eventsRead),
            ("eventsOfUnknownContainers", daemon.eventsUnknown), ("eventsHidden", daemon.eventsHidden), ("alertsObserved", daemon.alertsObserved), ("spoolAccepted", daemon.spool.accepted),
            ("spoolRefused", daemon.spool.refused), ("spoolInvalid", daemon.spool.invalid), ("spoolLeft", daemon.spool.left),
            ("spoolExpired", daemon.spool.expired), ("hookLetThrough", daemon.outcomes.letThrough), ("hookLetThroughByNamespace", daemon.outcomes.letThroughByNamespace),
            ("hookDenied", daemon.outcomes.denied), ("hookReports", daemon.outcomes.reports), ("hookMicroseconds", daemon.outcomes.microseconds),
            ("hookMicrosecondsCount", daemon.outcomes.timed), ("hookMicrosecondsMaximum", UInt64(daemon.outcomes.maximum)),
            ("namesUnread", daemon.naming.unread), ("workloadLabelsUnread", daemon.naming.labelsUnread), ("logLinesLost", LineLogHandler.linesLost),
        ]
        for (name, value) in values { writer.member(name, value) }
        let kernel: [(String, pc_counter)] = [
            ("eventsSent", PC_COUNT_EVENTS), ("eventsLost", PC_COUNT_EVENTS_LOST), ("labelsGiven", PC_COUNT_LABELS),
            ("labelsFailed", PC_COUNT_LABEL_FAILED), ("labelsStale", PC_COUNT_STALE), ("emptySlotsLost", PC_COUNT_EMPTY_LOST),
            ("keysReused", PC_COUNT_REUSED_KEY), ("verdicts", PC_COUNT_JUDGED), ("verdictsDenied", PC_COUNT_DENIED),
            ("verdictsUndecided", PC_COUNT_UNDECIDED), ("alertsSent", PC_COUNT_ALERTS), ("alertsLost", PC_COUNT_ALERTS_LOST),
            ("guardRefused", PC_COUNT_GUARD_REFUSED), ("guardFull", PC_COUNT_GUARD_FULL),
        ]
        for (name, index) in kernel { writer.member(name, ((try? daemon.kernel.counter(index.rawValue)) ?? []).reduce(0, &+)) }
        let missed = daemon.programs.missedRuns
        writer.member("programRunsMissed", missed.reduce(0) { $0 &+ $1.count })
        // Each of these is an event that was never made, so it is not among eventsLost.
        writer.member("eventsMissed", missed.filter { $0.program.hasSuffix("_event") }.reduce(0) { $0 &+ $1.count })
        writer.key("eventsLostByCPU")
        let lost = (try? daemon.kernel.counter(PC_COUNT_EVENTS_LOST.rawValue)) ?? []
        writer.array { writer in for value in lost { writer.number(value) } }
    }

    private func configuration(_ writer: inout JSONWriter) {
        writer.member("file", daemon.configuration.path)
        writer.member("problem", daemon.configuration.problem ?? "")
        for setting in Setting.allCases { writer.member(setting.rawValue, daemon.configuration.current.text(setting)) }
    }
}
