/// How busy containers and rules are, for one interval after another.
public struct Activity: Sendable {
    /// Containers, and policies, that are counted apart. What goes beyond counts in the sums only.
    public static let rowLimit = 4096

    public struct ContainerRow: Equatable, Sendable {
        public var owner: String
        /// In the interval.
        public var events: UInt64 = 0
        public var alerts: UInt64 = 0
        public var denied: UInt64 = 0
        /// Alerts since the beginning.
        public var allAlerts: UInt64 = 0
    }

    public struct PolicyRow: Equatable, Sendable {
        public var policy: String
        public var alerts: UInt64 = 0
        public var denied: UInt64 = 0
        public var allAlerts: UInt64 = 0
    }

    public struct Report: Equatable, Sendable {
        public var events: UInt64 = 0
        public var alerts: UInt64 = 0
        public var denied: UInt64 = 0
        public var lost: UInt64 = 0
        /// Both the busiest first.
        public var containers: [ContainerRow] = []
        public var policies: [PolicyRow] = []

        public init() {}
    }

    private var containers: [String: ContainerRow] = [:]
    private var policies: [String: PolicyRow] = [:]
    private var sums = Report()

    public init() {}

    public mutating func take(_ message: KubeArmorMessage) {
        let isAlert = message.kind == .alert
        let denied: UInt64 = isAlert && message.action == "Block" ? 1 : 0
        if isAlert { sums.alerts += 1 } else { sums.events += 1 }
        sums.denied += denied
        let id = message.workload.containerID
        if containers[id] != nil || containers.count < Self.rowLimit {
            Self.count(isAlert, denied, &containers[id, default: ContainerRow(owner: MessageText.owner(message.workload))])
        }
        guard isAlert else { return }
        // The same name may be in two namespaces.
        let place = message.policyName == Alert.posturePolicy || message.workload.namespace.isEmpty ? "" : "\(message.workload.namespace)/"
        let name = place + message.policyName
        guard policies[name] != nil || policies.count < Self.rowLimit else { return }
        policies[name, default: PolicyRow(policy: name)].alerts += 1
        policies[name]?.allAlerts += 1
        policies[name]?.denied += denied
    }

    private static func count(_ isAlert: Bool, _ denied: UInt64, _ row: inout ContainerRow) {
        if isAlert {
            row.alerts += 1
            row.allAlerts += 1
            row.denied += denied
        } else {
            row.events += 1
        }
    }

    public mutating func lose(_ count: UInt64) { sums.lost += count }

    /// What there was since the last time. Who did nothing in the interval and never had an alert is forgotten; where room becomes scarce, whoever did nothing.
    public mutating func turn() -> Report {
        var report = sums
        report.containers = containers.values.sorted { ($1.events + $1.alerts, $1.allAlerts, $0.owner) < ($0.events + $0.alerts, $0.allAlerts, $1.owner) }
        report.policies = policies.values.sorted { ($1.alerts, $1.allAlerts, $0.policy) < ($0.alerts, $0.allAlerts, $1.policy) }
        sums = Report()
        let isScarce = containers.count > Self.rowLimit / 2
        containers = containers.filter { isScarce ? $0.value.events + $0.value.alerts > 0 : $0.value.allAlerts > 0 }.mapValues { ContainerRow(owner: $0.owner, allAlerts: $0.allAlerts) }
        policies = policies.mapValues { PolicyRow(policy: $0.policy, allAlerts: $0.allAlerts) }
        return report
    }
}
