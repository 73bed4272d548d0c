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

    /// What every message has. It is filled in place: to hand on a copy of thirty texts costs as much as to make some of them.
    func begin(_ message: inout KubeArmorMessage, _ task: some ReportedTask, time: UInt64, cpu: UInt16, _ workload: FeedWorkload) {
        begin(&message, nanoseconds: time &+ wallClockOffset)
        message.workload = workload
        message.hostPID = Int32(truncatingIfNeeded: task.pid)
        message.hostParentPID = Int32(truncatingIfNeeded: task.parent_pid)
        message.pid = Int32(truncatingIfNeeded: task.namespace_pid)
        message.parentPID = Int32(truncatingIfNeeded: task.parent_namespace_pid)
        message.uid = Int32(truncatingIfNeeded: task.uid)
        message.eventID = eventID(time, cpu)
    }

    /// At a time of day.
    private func begin(_ message: inout KubeArmorMessage, nanoseconds: UInt64) {
        message.timestamp = Int64(nanoseconds / 1_000_000_000)
        message.updatedTime = Timestamp.text(nanoseconds: nanoseconds)
        message.clusterName = clusterName
        message.hostName = hostName
        message.nodeID = nodeID
    }

    /// What the feed itself has to say between alerts or logs.
    public func notice(_ kind: KubeArmorMessage.Kind, nanoseconds: UInt64) -> KubeArmorMessage {
        var message = KubeArmorMessage(kind)
        begin(&message, nanoseconds: nanoseconds)
        message.type = "SystemEvent"
        return message
    }

    /// Boot, time and processor. The time has sixteen digits, so that ids of one boot are in the order of their times.
    private func eventID(_ time: UInt64, _ cpu: UInt16) -> String {
        String(unsafeUninitializedCapacity: 8 + 1 + 16 + 1 + 4) { buffer in
            var writer = DigitWriter(buffer)
            writer.text(bootID)
            writer.byte("-")
            writer.hexadecimal(time, digits: 16)
            writer.byte("-")
            writer.hexadecimal(UInt64(cpu), digits: max(1, (16 - cpu.leadingZeroBitCount + 3) / 4))
            return writer.count
        }
    }

    static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A command line as a person reads it; empty if there is none.
    static func commandLine(_ arguments: ArraySlice<UInt8>) -> String {
        let arguments = arguments.last == 0 ? arguments.dropLast() : arguments
        return String(unsafeUninitializedCapacity: arguments.count) { buffer in
            _ = buffer.update(fromContentsOf: arguments)
            for place in 0..<arguments.count where buffer[place] == 0 { buffer[place] = UInt8(ascii: " ") }
            return arguments.count
        }
    }
}
