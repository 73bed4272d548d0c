/// Records of one connection on their way to messages: it remembers whose the slots are.
public struct RecordWording: Sendable {
    public enum Item: Sendable {
        /// An alert or a log is the last of the messages now; when it happened, by the clock of the kernel's records.
        case message(time: UInt64)
        /// How many records this reader was too slow for.
        case lost(UInt64)
        /// Bytes that are no event and no alert of this version.
        case malformed
        /// Programs of the kernel side that are attached no more.
        case sender(FeedSender)
    }

    public var translator: FeedTranslator
    /// Records of a container that the daemon has not told of, so far.
    public private(set) var unknownContainers: UInt64 = 0
    /// By slot, whose it is in the records that come now.
    private var workloads: [UInt32: (generation: UInt32, workload: FeedWorkload)] = [:]

    private var recent = RecentTexts()

    public init(_ translator: FeedTranslator) { self.translator = translator }

    /// Nil for a record that only prepares others.
    ///
    /// - Parameter messages: What an alert or a log becomes is added here, in place: it has some thirty texts, which nobody should copy on the way.
    public mutating func take(_ record: FeedRecord, _ messages: inout [KubeArmorMessage]) -> Item? {
        switch record {
        case .sender(let sender): return .sender(sender)
        case .workload(let reference, let workload):
            workloads[reference.slot] = (reference.generation, workload)
            return nil
        case .event(let bytes):
            guard let event = Event(bytes) else { return .malformed }
            messages.append(translator.message(of: event, workload(event.reference, isOfHost: event.source == .host), &recent))
            return .message(time: event.header.time)
        case .alert(let rule, let bytes):
            guard let alert = Alert(bytes) else { return .malformed }
            messages.append(translator.message(of: alert, rule, workload(alert.reference, isOfHost: alert.isOfHost)))
            return .message(time: alert.header.time)
        case .lost(let count): return .lost(count)
        }
    }

    private mutating func workload(_ reference: SlotReference, isOfHost: Bool) -> FeedWorkload {
        guard !isOfHost else { return FeedWorkload() }
        if let known = workloads[reference.slot], known.generation == reference.generation { return known.workload }
        unknownContainers += 1
        // Nobody remembers it; but it was a container, and not the host.
        var unknown = FeedWorkload()
        unknown.containerID = "slot-\(reference.slot)-\(reference.generation)"
        return unknown
    }
}

extension FeedTranslator {
    /// What stands in a stream in the place of messages that are missing.
    ///
    /// - Parameters:
    ///   - count: How many; nil if nobody knows.
    ///   - nanoseconds: Since 1970.
    public func lossNotice(_ kind: KubeArmorMessage.Kind, _ count: UInt64?, nanoseconds: UInt64, why: String) -> KubeArmorMessage {
        var message = notice(kind, nanoseconds: nanoseconds)
        message.operation = KubeArmorMessage.lostOperation
        let what = kind == .alert ? "alerts" : "logs"
        message.message = count.map { "\($0) \(what) were lost: \(why)" } ?? "\(what) may be lost: \(why)"
        message.take(MessageData(.lost, count.map { String($0) } ?? "unknown"))
        // Logs have no Message.
        message.resource = message.message
        return message
    }
}
