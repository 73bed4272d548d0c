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
    private var wording: RecordWording
    private var worded = Worded()
    private var throttle: AlertThrottle
    private let names = UserNames()

    init(_ stream: Hub.Stream, _ translator: FeedTranslator, _ throttle: AlertThrottle) {
        self.stream = stream
        wording = RecordWording(translator)
        self.throttle = throttle
    }

    func begin(wallClockOffset: UInt64) {
        wording.translator.wallClockOffset = wallClockOffset
        worded = Worded()
        names.refresh()
    }

    func end() -> Worded { worded }

    func take(_ record: FeedRecord) {
        let unknown = wording.unknownContainers
        switch wording.take(record) {
        case .message(var message, let time):
            worded.records += 1
            worded.unknown += wording.unknownContainers - unknown
            if message.isOfHost { message.userName = names.name(of: message.uid) }
            if message.kind == .alert { pass(message, at: time) } else { worded.messages.append(message) }
        case .lost(let count):
            worded.lost += count
            worded.messages.append(LossNotice.message(stream, count, wording.translator, "between daemon and feed"))
        case .malformed: worded.malformed += 1
        case .sender, nil: break
        }
    }

    private func pass(_ message: KubeArmorMessage, at time: UInt64) {
        let decision = throttle.decide(message.workload.containerID, at: time)
        if decision.held > 0 { worded.messages.append(wording.translator.heldNotice(for: message, decision.held, throttle)) }
        if decision.begins { worded.messages.append(wording.translator.thresholdNotice(for: message, throttle)) }
        if decision.passes { worded.messages.append(message) } else { worded.held += 1 }
    }
}
#endif
