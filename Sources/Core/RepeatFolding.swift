/// Holds back messages that say again what has just been said; how often they did is told at the end of a while.
public struct RepeatFolding: Sendable {
    /// Messages that are remembered at one time, in each stream. Beyond it the next goes through and so do its repeats, until there is room.
    public static let capacity = 4096

    /// What two messages have in common that say the same.
    private struct Key: Hashable, Sendable {
        let container, operation, process, parent, resource, data, result, policy, action: String
        let uid: Int32
        let kind: KubeArmorMessage.Kind

        init(_ message: KubeArmorMessage) {
            (container, operation, process) = (message.workload.containerID, message.operation, message.processName)
            (parent, resource, data, result) = (message.parentProcessName, message.resource, message.data, message.result)
            (policy, action, uid, kind) = (message.policyName, message.action, message.uid, message.kind)
        }
    }

    private struct Repeats: Sendable {
        var count: UInt64 = 0
        /// The last that was held back.
        var last: KubeArmorMessage?
    }

    let isOn: Bool
    private var table: HoldingTable<Key, Repeats>

    /// - Parameter seconds: For so long after one that was sent its like are held back; 0: never.
    public init(seconds: Int) {
        isOn = seconds > 0
        table = HoldingTable(limit: Self.capacity, seconds: seconds)
    }

    /// When the first is to be told.
    public var nextEnd: UInt64? { table.nextEnd }

    /// Holds a message back if its like was sent a while ago.
    ///
    /// - Returns: False if it is to be sent.
    public mutating func holds(_ message: KubeArmorMessage) -> Bool {
        isOn
            && table.update(Key(message)) { repeats in
                repeats.count += 1
                repeats.last = message
            }
    }

    /// A message is sent: its like are held back from here on.
    public mutating func sent(_ message: KubeArmorMessage, at time: UInt64) {
        guard isOn else { return }
        _ = table.begin(Key(message), Repeats(), at: time)
    }

    /// One that is over by then and had repeats: the last of them, with their number.
    public mutating func next(by time: UInt64) -> KubeArmorMessage? {
        while let (_, repeats) = table.next(by: time) {
            guard var message = repeats.last else { continue }
            message.data += (message.data.isEmpty ? "" : " ") + "repeats=\(repeats.count)"
            message.eventData.append(.init(key: KubeArmorMessage.repeatsKey, value: String(repeats.count)))
            return message
        }
        return nil
    }
}

extension KubeArmorMessage {
    static let repeatsKey = "Repeats"

    /// How many of its kind a message stands for, itself among them.
    public var repeatCount: UInt64 { datum(Self.repeatsKey).flatMap { UInt64($0) } ?? 1 }
}
