import CABI
import HookWire

/// Who a container is, as its alerts and logs say it; empty for the host.
public struct FeedWorkload: Equatable, Sendable {
    public var containerID = ""
    public var containerName = ""
    public var namespace = ""
    public var pod = ""
    public var image = ""
    /// `k=v,k=v`.
    public var labels = ""

    public init() {}

    public init(_ container: Container) {
        containerID = container.name
        guard let message = try? HookMessage(decoding: container.message[...]) else { return }
        let workload = WorkloadIdentity(message), known = ContainerLabels(message)
        containerName = workload.containerName.isEmpty ? known.containerName : workload.containerName
        namespace = known.namespace
        pod = workload.pod
        image = workload.image
        labels = known.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

/// Of the rule that decided, what an alert says beside the kernel's own words.
public struct FeedRule: Hashable, Sendable {
    public var policy = ""
    public var message = ""
    public var severity = 0
    public var tags: [String] = []
    /// True: the daemon judged an event; nothing was enforced.
    public var isObserved = false
    /// Of a preset's rule, KubeArmor's name of what enforces it.
    public var presetEnforcer = ""

    public init() {}

    public init(of alert: Alert, in set: CompiledPolicySet?) {
        isObserved = alert.isObserved
        guard alert.ruleNumber != PC_RULE_NONE.magnitude, let found = set?.rule(alert.ruleNumber) else { return }
        (policy, message, severity, tags) = (found.policy.name, found.rule.message, found.rule.severity, found.rule.tags)
        if case .preset(let preset) = found.rule.target { presetEnforcer = preset.enforcer }
    }
}

/// Who sends a stream of records.
public struct FeedSender: Equatable, Sendable {
    public var version = ""
    public var abi: UInt32 = 0
    public var hostName = ""
    public var enforces = false
    /// Programs that are attached no more; nothing is known of what they would have seen.
    public var missingPrograms: [String] = []

    public init() {}
}
