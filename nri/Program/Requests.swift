#if NRI
import Core
import Glibc
import HookWire
import Logging
import NRI
import NRIProtocol
import SwiftProtobuf

/// What is done for each thing that the runtime asks or tells.
final class Requests {
    private let options: Options
    private let logger: Logger
    private let daemon: DaemonLink
    private let hook: GivenHook
    var counters = PluginCounters()
    private(set) var ledger = Ledger()
    private(set) var runtime = RuntimeInfo()
    /// What `Synchronize` has told so far, if more is to come.
    private var pods: [String: Pod] = [:]
    private var containers: [PodContainer] = []
    /// Something is known that the daemon could not be told.
    var owesReplay = false
    private var saidMissing = false
    /// Nanoseconds for which a daemon that has not answered in time is asked only for containers that are held up without it.
    private static let pause: UInt64 = 5_000_000_000
    private var daemonHangsUntil: UInt64 = 0

    /// An answer, or the words with which what the runtime was about to do shall fail.
    enum Answer {
        case payload(any SwiftProtobuf.Message)
        case refusal(code: Int32, String)
    }

    init(_ options: Options, _ logger: Logger) {
        self.options = options
        self.logger = logger
        daemon = DaemonLink(socket: options.hookSocket, timeout: options.timeout)
        hook = GivenHook(path: options.noHook ? "" : options.hookPath, settings: options.hookConfig)
    }

    /// Containers that the runtime is about to make.
    private var announced: Set<String> = []

    /// Whether the runtime has told of this sandbox or container.
    func knows(_ id: String) -> Bool { ledger.contains(id) || announced.contains(id) }

    /// The ids that an event spoke of, so that nobody waits for word of them.
    var told: (String) -> Void = { _ in }

    // MARK: The session

    func configure(_ payload: [UInt8]) throws(PortcullisError) -> Answer {
        let request: Nri_Pkg_Api_V1alpha1_ConfigureRequest = try RuntimeConnection.decode(payload, "Configure")
        runtime = RuntimeInfo(name: request.runtimeName, version: request.runtimeVersion, nriVersion: request.nriVersion)
        if !request.config.isEmpty { logger.warning("the runtime hands over a configuration, which is not used: options stand on the command line") }
        var response = Nri_Pkg_Api_V1alpha1_ConfigureResponse()
        // A validator that ends or is late fails every container: only where somebody wants to be held up rather than unprotected.
        response.events = RuntimeEvent.mask(validates: runtime.validates && policy.deniesAny)
        return .payload(response)
    }

    /// One part of all that the runtime runs. True in `isLast` if there are no more: then the ledger is what it told.
    func synchronize(_ payload: [UInt8]) throws(PortcullisError) -> (answer: Answer, isLast: Bool) {
        let request: Nri_Pkg_Api_V1alpha1_SynchronizeRequest = try RuntimeConnection.decode(payload, "Synchronize")
        for pod in request.pods { pods[pod.id] = Pod(pod) }
        containers += request.containers.map { PodContainer($0) }
        var response = Nri_Pkg_Api_V1alpha1_SynchronizeResponse()
        response.more = request.more
        return (.payload(response), !request.more)
    }

    /// Takes over what `Synchronize` has told; to be called when it has been answered, since this takes a while.
    func takeOver() {
        counters.synchronizations += 1
        ledger.removeAll()
        // Made and not started yet; of those that have gone meanwhile nobody tells.
        announced = Set(containers.filter { $0.pid == 0 }.prefix(Ledger.limit).map(\.id))
        for pod in pods.values {
            told(pod.id)
            if let message = WorkloadMessage.sandbox(pod, runtime) { keep(message) }
        }
        for container in containers {
            told(container.id)
            let pod = pods[container.podID] ?? Pod(id: container.podID, name: "", namespace: "", labels: [:], pid: 0)
            if let message = WorkloadMessage.container(container, in: pod, runtime) { keep(message) }
        }
        logger.info("the runtime has told what it runs", metadata: ["pods": "\(pods.count)", "containers": "\(containers.count)"])
        forgetParts()
        owesReplay = true
    }

    /// The connection is gone, and what came of it in part.
    func forgetParts() {
        pods = [:]
        containers = []
    }

    private func keep(_ message: HookMessage) {
        var message = message
        if HostFacts.complete(&message) { ledger.insert(message) } else { counters.unseen += 1 }
    }

    // MARK: Events

    /// What an event's own method, or `StateChange`, tells.
    func take(_ event: RuntimeEvent, _ pod: WirePod, _ container: WireContainer) -> Answer {
        counters.events[event, default: 0] += 1
        told(pod.id)
        if !container.id.isEmpty { told(container.id) }
        switch event {
        case .runPodSandbox: run(Pod(pod))
        case .removePodSandbox: ledger.remove(pod.id)
        case .createContainer: return create(Pod(pod), container)
        case .startContainer:
            if let reason = start(PodContainer(container, hasStarted: false), Pod(pod)) { return .refusal(code: 2, reason) }
        // Its processes may outlive this; the daemon sees to them until the last is gone.
        case .removeContainer:
            ledger.remove(container.id)
            announced.remove(container.id)
        default: break
        }
        return .payload(Nri_Pkg_Api_V1alpha1_CreateContainerResponse())
    }

    /// A pod's sandbox runs, without a hook: none is ever run for it. It holds namespaces and no program of the pod's, so that it is held up by nothing.
    private func run(_ pod: Pod) {
        counters.annotationsCut += UInt64(pod.annotations.cut)
        guard let message = WorkloadMessage.sandbox(pod, runtime) else { return }
        _ = register(message, "the sandbox of \(pod.namespace)/\(pod.name)", isHeldUp: false)
    }

    /// The container is made, and its program not yet run.
    ///
    /// - Returns: Why it shall not be; nil if it may.
    private func start(_ container: PodContainer, _ pod: Pod) -> String? {
        let name = "\(pod.namespace)/\(pod.name)/\(container.name)"
        let problem: String?
        if let message = WorkloadMessage.container(container, in: pod, runtime) {
            problem = register(message, name, isHeldUp: policy.denies(pod.namespace))
        } else {
            counters.unseen += 1
            problem = "the runtime tells of no process"
        }
        guard let problem, policy.denies(pod.namespace) else { return nil }
        counters.denied += 1
        return "portcullis: container \(name) is not started, since it is not registered: \(problem)"
    }

    /// - Returns: Why the daemon does not know it; nil if it does.
    private func register(_ message: HookMessage, _ name: String, isHeldUp: Bool) -> String? {
        var message = message
        guard HostFacts.complete(&message) else {
            // It has ended, or /proc hides it (hidepid): then it is nobody's, and that is said.
            counters.unseen += 1
            logger.warning("process \(message.pid) is not to be seen in /proc", metadata: ["workload": "\(name)"])
            return "process \(message.pid) is not to be seen in /proc"
        }
        ledger.insert(message)
        announced.remove(String(decoding: message.containerID, as: UTF8.self))
        if HostFacts.now < daemonHangsUntil, !isHeldUp {
            counters.unanswered += 1
            owesReplay = true
            return "portcullisd has not answered lately"
        }
        let asked = HostFacts.now
        switch daemon.confirm(message) {
        case .registered:
            counters.confirmed += 1
            return nil
        case .refused(let code, let reason):
            // Its end is no failure of ours; but that must be its end.
            guard code != .processGone || HostFacts.isAlive(message) else { return nil }
            counters.refused += 1
            logger.warning("refused by portcullisd: \(reason)", metadata: ["workload": "\(name)"])
            return "refused by portcullisd: \(reason)"
        case .unanswered(let reason):
            counters.unanswered += 1
            owesReplay = true
            // A daemon that is away refuses at once; one that hangs would hold up every pod of the node, one after the other.
            if daemon.hasHung(since: asked) { daemonHangsUntil = HostFacts.now + Self.pause }
            logger.warning("no answer from portcullisd: \(reason)", metadata: ["workload": "\(name)"])
            return "no answer from portcullisd: \(reason)"
        }
    }

    // MARK: Making containers

    private func create(_ pod: Pod, _ container: WireContainer) -> Answer {
        // Its state appears on disk when the runtime makes it, which may take long after this.
        if announced.count < Ledger.limit { announced.insert(container.id) }
        var adjustment = Nri_Pkg_Api_V1alpha1_ContainerAdjustment()
        if hook.isNeeded(besides: container.hooks.pathsOfRegistration) {
            if options.unseenHook || access(hook.path, X_OK) == 0 {
                adjustment.hooks = .ours(hook)
                counters.hooksGiven += 1
                saidMissing = false
            } else {
                counters.hooksMissing += 1
                let problem = "the hook \(hook.path): \(SystemErrorText.text(errno))"
                if !saidMissing { logger.error("containers are given no hook, and are registered when they start: \(problem)") }
                saidMissing = true
                if policy.denies(pod.namespace) {
                    counters.denied += 1
                    return .refusal(code: 2, "portcullis: container \(pod.namespace)/\(pod.name)/\(container.name) is not created: \(problem)")
                }
            }
        }
        // Its start could not be held up there later: what is refused then is started all the same.
        if options.noHook, !runtime.heedsRefusedStarts, policy.denies(pod.namespace) {
            counters.denied += 1
            return .refusal(code: 2, "portcullis: container \(pod.namespace)/\(pod.name)/\(container.name) is not created: \(runtime.name) starts also what is refused at its start, and no hook is given (--no-hook)")
        }
        let labels = PodLabels(pod.labels)
        counters.labelsCut += UInt64(labels.cut)
        if labels.cut > 0 {
            let problem = "\(labels.cut) labels of its pod are beyond \(PodLabels.limit) bytes and left out"
            logger.warning("\(problem)", metadata: ["pod": "\(pod.namespace)/\(pod.name)"])
            // Among them may be the one that a policy selects by.
            if policy.denies(pod.namespace) {
                counters.denied += 1
                return .refusal(code: 2, "portcullis: container \(pod.namespace)/\(pod.name)/\(container.name) is not created: \(problem)")
            }
        }
        let value = String(decoding: labels.annotation, as: UTF8.self), present = container.annotations[PodLabels.key]
        // Two plugins that set one annotation fail the container, also if both are this one. Without labels one is set only over one that says otherwise.
        if present != value, !pod.labels.isEmpty || present != nil { adjustment.annotations[PodLabels.key] = value }
        var response = Nri_Pkg_Api_V1alpha1_CreateContainerResponse()
        if adjustment.hasHooks || !adjustment.annotations.isEmpty { response.adjust = adjustment }
        return .payload(response)
    }

    /// Whether a container may be created as all plugins together have made it: under a policy that denies, not without the hook. This is also what keeps the
    /// runtime from creating one while this plugin does not answer.
    func validate(_ payload: [UInt8]) throws(PortcullisError) -> Answer {
        let request: Nri_Pkg_Api_V1alpha1_ValidateContainerAdjustmentRequest = try RuntimeConnection.decode(payload, "ValidateContainerAdjustment")
        counters.events[.validateContainerAdjustment, default: 0] += 1
        var response = Nri_Pkg_Api_V1alpha1_ValidateContainerAdjustmentResponse()
        let paths = request.container.hooks.pathsOfRegistration + request.adjust.hooks.pathsOfRegistration
        if hook.isNeeded(besides: paths), policy.denies(request.pod.namespace) {
            counters.denied += 1
            response.reject = true
            response.reason = "portcullis: container \(request.pod.namespace)/\(request.pod.name)/\(request.container.name) would be created without the hook \(hook.path)"
        }
        return .payload(response)
    }

    /// What the hook's file says now. A file that is wrong is left out as a whole, as the hook leaves it out.
    private var policy: FailurePolicy {
        do {
            guard let text = try HostFacts.settings(options.hookConfig) else { return FailurePolicy() }
            return try FailurePolicy(json: text)
        } catch {
            logger.error("\(options.hookConfig): \(error)")
            return FailurePolicy()
        }
    }

    // MARK: The ledger

    /// All that lives, for the daemon.
    func living() -> [HookMessage] {
        ledger.renew { HostFacts.renew(&$0) }
        return ledger.all
    }
}
#endif
