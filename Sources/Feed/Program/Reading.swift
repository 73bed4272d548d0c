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
        /// Of these, held back by the throttle.
        var held: UInt64 = 0
        /// Of these, held back as repeats.
        var folded: UInt64 = 0
    }

    private let stream: Hub.Stream
    private var wording: RecordWording
    private var worded = Worded()
    private var gate: MessageGate
    private let names = UserNames()

    init(_ stream: Hub.Stream, _ translator: FeedTranslator, _ gate: MessageGate) {
        self.stream = stream
        wording = RecordWording(translator)
        self.gate = gate
    }

    /// Takes in what has come over a link, or makes of its end or of the time what is to be made of it.
    func take(_ arrival: RecordLink.Arrival, now: UInt64, wallClockOffset: UInt64) -> Worded {
        wording.translator.wallClockOffset = wallClockOffset
        worded = Worded()
        let (held, folded) = (gate.held, gate.folded)
        switch arrival {
        case .records(let records):
            names.refresh()
            worded.messages.reserveCapacity(records.count)
            for record in records { take(record) }
        case .time: gate.close(by: now, now: now, wording.translator, &worded.messages)
        case .end: gate.close(now: now, wording.translator, &worded.messages)
        }
        (worded.held, worded.folded) = (gate.held - held, gate.folded - folded)
        return worded
    }

    /// When it has something to say though nothing comes, on the clock that counts from the boot.
    var nextEnd: UInt64? { gate.nextEnd }

    private func take(_ record: FeedRecord) {
        let unknown = wording.unknownContainers
        switch wording.take(record, &worded.messages) {
        case .message(let time):
            worded.records += 1
            worded.unknown += wording.unknownContainers - unknown
            let place = worded.messages.count - 1
            if worded.messages[place].isOfHost { worded.messages[place].userName = names.name(of: worded.messages[place].uid) }
            guard gate.holdsBack(stream.kind) else { return }
            let message = worded.messages.removeLast()
            gate.take(message, at: time, wording.translator, &worded.messages)
        case .lost(let count):
            worded.lost += count
            worded.messages.append(wording.translator.lossNotice(stream.kind, count, nanoseconds: Node.now, why: "between daemon and feed"))
        case .malformed: worded.malformed += 1
        case .sender, nil: break
        }
    }
}
#endif
