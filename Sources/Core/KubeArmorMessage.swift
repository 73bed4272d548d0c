/// An alert or a log with the fields and words of KubeArmor's feed. What does not apply is empty or 0; docs/feed.md says what stands where.
public struct KubeArmorMessage: Equatable, Sendable {
    public enum Kind: Sendable { case alert, log }

    public var kind: Kind
    /// Seconds since 1970.
    public var timestamp: Int64 = 0
    public var updatedTime = ""
    public var clusterName = ""
    public var hostName = ""
    public var workload = FeedWorkload()
    public var hostParentPID: Int32 = 0
    public var hostPID: Int32 = 0
    /// Of the parent in its own pid namespace, as the next one.
    public var parentPID: Int32 = 0
    public var pid: Int32 = 0
    public var uid: Int32 = 0
    public var parentProcessName = ""
    public var processName = ""
    public var policyName = ""
    /// 1 to 10; 0: none.
    public var severity = 0
    public var tags: [String] = []
    public var message = ""
    public var type = ""
    public var source = ""
    public var operation = ""
    public var resource = ""
    public var data = ""
    /// Parts of `data`, and of a socket's `resource`: `key=value`, the key with a capital.
    public var eventData: [EventDatum] = []
    public var enforcer = ""
    public var action = ""
    public var result = ""
    public var directory = ""
    public var terminal = ""
    public var maximumAlertsPerSecond: Int32 = 0
    /// Seconds.
    public var droppingAlertsInterval: Int32 = 0
    public var nodeID = ""
    /// Of host events.
    public var userName = ""
    /// Names the event for good, also after a restart of whatever passes it on: boot, time and processor.
    public var eventID = ""

    public struct EventDatum: Equatable, Sendable {
        public var key: String
        public var value: String

        public init(key: String, value: String) { (self.key, self.value) = (key, value) }
    }

    public init(_ kind: Kind) { self.kind = kind }

    /// Tags as one text, as KubeArmor writes them.
    public var tagText: String { tags.joined(separator: ",") }
    public var severityText: String { severity > 0 ? String(severity) : "" }
    /// What a word about losses says is missing; nil for any other message, and where nobody knows how many.
    public var lostCount: UInt64? { operation == "Lost" ? eventData.first { $0.key == "Lost" }.flatMap { UInt64($0.value) } : nil }
    public var isOfHost: Bool { workload.containerID.isEmpty }
}
