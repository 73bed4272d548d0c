/// What alerts or logs pass before they are sent: repeats are folded, and floods of alerts throttled. What came is what was sent, held and folded.
public struct MessageGate: Sendable {
    private var throttle: AlertThrottle
    private var repeats: RepeatFolding
    /// Alerts that the throttle held back, so far.
    public private(set) var held: UInt64 = 0
    /// Messages that were folded, so far.
    public private(set) var folded: UInt64 = 0

    public init(_ throttle: AlertThrottle, _ repeats: RepeatFolding) { (self.throttle, self.repeats) = (throttle, repeats) }

    /// Whether it ever holds back messages of a kind; if not they need not pass it.
    public func holdsBack(_ kind: KubeArmorMessage.Kind) -> Bool { repeats.isOn || kind == .alert && throttle.limit > 0 }

    /// When there is something to say though nothing comes; nil: never.
    public var nextEnd: UInt64? {
        guard let silence = throttle.nextEnd, let fold = repeats.nextEnd else { return throttle.nextEnd ?? repeats.nextEnd }
        return min(silence, fold)
    }

    /// Adds to `sent` what is to be sent because of a message: it itself, words about what was held back, or nothing.
    ///
    /// - Parameter time: When it happened, by the clock that `close` is told, too.
    public mutating func take(_ message: consuming KubeArmorMessage, at time: UInt64, _ translator: FeedTranslator, _ sent: inout [KubeArmorMessage]) {
        close(by: time, now: time, translator, &sent)
        // A repeat costs its container nothing of what the throttle lets through.
        guard !repeats.holds(message) else { return folded += 1 }
        let decision = message.kind == .alert ? throttle.decide(message, at: time) : .passes
        guard decision == .passes else {
            held += 1
            if decision == .begins { sent.append(translator.thresholdNotice(for: message, throttle, at: time)) }
            return
        }
        repeats.sent(message, at: time)
        sent.append(message)
    }

    /// Adds what is to be said of silences and repeats that are over by then; without a time all are.
    public mutating func close(by time: UInt64 = .max, now: UInt64, _ translator: FeedTranslator, _ sent: inout [KubeArmorMessage]) {
        while let silence = throttle.next(by: time) { sent.append(translator.heldNotice(of: silence, throttle, at: min(silence.end, now))) }
        while let message = repeats.next(by: time) { sent.append(message) }
    }
}
