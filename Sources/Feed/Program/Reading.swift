#if Feed
import Core

/// Records of one link on their way to messages.
final class Reading: @unchecked Sendable {
    struct Worded {
        var messages: [KubeArmorMessage] = []
        var lost: UInt64 = 0
        var malformed: UInt64 = 0
        var unknown: UInt64 = 0
        /// Events or alerts that came.
        var records: UInt64 = 0
        /// Of these, held back.
        var held: UInt64 = 0
    }

    private let stream: Hub.Stream
    private var translator: FeedTranslator
    /// By slot, whose it is in the records that come now.
    private var workloads: [UInt32: (generation: UInt32, workload: FeedWorkload)] = [:]
    private var worded = Worded()
    private var throttle: AlertThrottle
    private let names = UserNames()

    init(_ stream: Hub.Stream, _ translator: FeedTranslator, _ throttle: AlertThrottle) { (self.stream, self.translator, self.throttle) = (stream, translator, throttle) }

    func begin(wallClockOffset: UInt64) {
        translator.wallClockOffset = wallClockOffset
        worded = Worded()
        names.refresh()
    }

    func end() -> Worded { worded }

    func take(_ record: FeedRecord) {
        switch record {
        case .sender: break
        case .workload(let reference, let workload): workloads[reference.slot] = (reference.generation, workload)
        case .event(let bytes):
            guard let event = Event(bytes) else { return worded.malformed += 1 }
            worded.records += 1
            var message = translator.message(of: event, workload(event.reference, isOfHost: event.source == .host))
            if event.source == .host { message.userName = names.name(of: message.uid) }
            worded.messages.append(message)
        case .alert(let rule, let bytes):
            guard let alert = Alert(bytes) else { return worded.malformed += 1 }
            worded.records += 1
            var message = translator.message(of: alert, rule, workload(alert.reference, isOfHost: alert.isOfHost))
            if alert.isOfHost { message.userName = names.name(of: message.uid) }
            pass(message, at: alert.header.time)
        case .lost(let count):
            worded.lost += count
            worded.messages.append(LossNotice.message(stream, count, translator, "between daemon and feed"))
        }
    }

    private func pass(_ message: KubeArmorMessage, at time: UInt64) {
        let decision = throttle.decide(message.workload.containerID, at: time)
        if decision.held > 0 { worded.messages.append(translator.heldNotice(for: message, decision.held, throttle)) }
        if decision.begins { worded.messages.append(translator.thresholdNotice(for: message, throttle)) }
        if decision.passes { worded.messages.append(message) } else { worded.held += 1 }
    }

    private func workload(_ reference: SlotReference, isOfHost: Bool) -> FeedWorkload {
        guard !isOfHost else { return FeedWorkload() }
        if let known = workloads[reference.slot], known.generation == reference.generation { return known.workload }
        worded.unknown += 1
        // Nobody remembers it; but it was a container, and not the host.
        var unknown = FeedWorkload()
        unknown.containerID = "slot-\(reference.slot)-\(reference.generation)"
        return unknown
    }
}
#endif
