import CABI

/// Makes KubeArmor's messages of what the kernel said.
public struct FeedTranslator: Sendable {
    /// Of this machine, in every message.
    public var clusterName: String
    public var hostName: String
    public var nodeID: String
    /// What the ids of events begin with: no two boots have the same.
    public var bootID: String
    /// Nanoseconds from the clock of the kernel's records, which counts from the boot, to the time of day.
    public var wallClockOffset: UInt64 = 0

    public init(clusterName: String, hostName: String, nodeID: String, bootID: String) {
        (self.clusterName, self.hostName, self.nodeID, self.bootID) = (clusterName, hostName, nodeID, String(bootID.prefix(8)))
    }

    /// What every message has.
    func begin(_ kind: KubeArmorMessage.Kind, _ task: some ReportedTask, time: UInt64, cpu: UInt16, _ workload: FeedWorkload) -> KubeArmorMessage {
        var message = begin(kind, nanoseconds: time &+ wallClockOffset)
        message.workload = workload
        message.hostPID = Int32(truncatingIfNeeded: task.pid)
        message.hostParentPID = Int32(truncatingIfNeeded: task.parent_pid)
        message.pid = Int32(truncatingIfNeeded: task.namespace_pid)
        message.parentPID = Int32(truncatingIfNeeded: task.parent_namespace_pid)
        message.uid = Int32(truncatingIfNeeded: task.uid)
        message.eventID = "\(bootID)-\(Self.hexadecimal(time))-\(String(cpu, radix: 16))"
        return message
    }

    /// One of the feed's own, at a time of day.
    func begin(_ kind: KubeArmorMessage.Kind, nanoseconds: UInt64) -> KubeArmorMessage {
        var message = KubeArmorMessage(kind)
        message.timestamp = Int64(nanoseconds / 1_000_000_000)
        message.updatedTime = Timestamp.text(nanoseconds: nanoseconds)
        message.clusterName = clusterName
        message.hostName = hostName
        message.nodeID = nodeID
        return message
    }

    /// What the feed itself has to say between alerts or logs.
    public func notice(_ kind: KubeArmorMessage.Kind, nanoseconds: UInt64) -> KubeArmorMessage {
        var message = begin(kind, nanoseconds: nanoseconds)
        message.type = "SystemEvent"
        return message
    }

    /// Sixteen digits, so that ids of one boot are in the order of their times.
    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A command line as a person reads it; empty if there is none.
    static func commandLine(_ arguments: [UInt8]) -> String {
        var arguments = arguments[...]
        if arguments.last == 0 { arguments.removeLast() }
        return String(decoding: arguments.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
