/// Lets a container's alerts through up to so many in one second, and then none for a while, as KubeArmor does; each silence is announced, and what it held back is
/// told at its end. Verdicts know nothing of it.
public struct AlertThrottle: Sendable {
    /// Containers that are counted, and that are silent, at one time. Beyond it those whose second is over are forgotten; if none is, the alert goes through.
    public static let capacity = 65_536

    /// What becomes of an alert.
    public enum Decision: Equatable, Sendable {
        case passes
        /// It is the first that is held back.
        case begins
        case held
    }

    /// One that is over.
    public struct Silence: Equatable, Sendable {
        /// Whose alerts were held back, and who said so.
        public var workload: FeedWorkload
        public var enforcer: String
        public var held: UInt64
        /// By the clock of the alerts.
        public var end: UInt64 = 0
    }

    public let limit: Int
    public let seconds: Int
    private var counts: [String: (second: UInt64, count: Int)] = [:]
    private var silences: HoldingTable<String, Silence>

    /// - Parameters:
    ///   - limit: Alerts of one container within one second from the first; 0: no limit.
    ///   - seconds: Of silence.
    public init(limit: Int, seconds: Int) {
        (self.limit, self.seconds) = (limit, seconds)
        silences = HoldingTable(limit: Self.capacity, seconds: seconds)
    }

    /// When the first silence is over that there is.
    public var nextEnd: UInt64? { silences.nextEnd }

    /// - Parameter time: When the alert was raised, in nanoseconds of any clock that only goes forward.
    public mutating func decide(_ alert: KubeArmorMessage, at time: UInt64) -> Decision {
        guard limit > 0 else { return .passes }
        let container = alert.workload.containerID
        if silences.update(container, { $0.held += 1 }) { return .held }
        if counts[container] == nil, counts.count >= Self.capacity {
            counts = counts.filter { time &- $0.value.second < 1_000_000_000 }
            guard counts.count < Self.capacity else { return .passes }
        }
        var account = counts[container] ?? (time, 0)
        if time &- account.second >= 1_000_000_000 { account = (time, 0) }
        account.count += 1
        counts[container] = account
        guard account.count > limit, silences.begin(container, Silence(workload: alert.workload, enforcer: alert.enforcer, held: 1), at: time) else { return .passes }
        counts[container] = nil
        return .begins
    }

    /// A silence that is over by then; each is told once.
    public mutating func next(by time: UInt64) -> Silence? {
        guard var ended = silences.next(by: time) else { return nil }
        ended.value.end = ended.end
        return ended.value
    }
}

extension FeedTranslator {
    /// Says that a container's alerts are held back from here on, with KubeArmor's words.
    public func thresholdNotice(for alert: KubeArmorMessage, _ throttle: AlertThrottle, at time: UInt64) -> KubeArmorMessage {
        var message = silenceNotice(alert.workload, alert.enforcer, throttle, at: time)
        message.message = "more than \(throttle.limit) alerts in a second: the next \(throttle.seconds) seconds' are held back and counted"
        return message
    }

    /// Says how many were held back.
    public func heldNotice(of silence: AlertThrottle.Silence, _ throttle: AlertThrottle, at time: UInt64) -> KubeArmorMessage {
        var message = silenceNotice(silence.workload, silence.enforcer, throttle, at: time)
        message.message = "\(silence.held) alerts were held back"
        message.take(MessageData(.held, String(silence.held)))
        return message
    }

    private func silenceNotice(_ workload: FeedWorkload, _ enforcer: String, _ throttle: AlertThrottle, at time: UInt64) -> KubeArmorMessage {
        var message = notice(.alert, nanoseconds: time &+ wallClockOffset)
        message.workload = workload
        message.operation = KubeArmorMessage.thresholdOperation
        message.enforcer = enforcer
        message.maximumAlertsPerSecond = Int32(clamping: throttle.limit)
        message.droppingAlertsInterval = Int32(clamping: throttle.seconds)
        return message
    }
}

extension KubeArmorMessage {
    /// What the operation is called of a word about a silence.
    static let thresholdOperation = "AlertThreshold"

    /// It begins or ends a silence.
    public var isThresholdNotice: Bool { operation == Self.thresholdOperation }
    /// How many alerts a silence has held back that ends here; nil of any other message.
    public var heldCount: UInt64? { isThresholdNotice ? datum("Held").flatMap { UInt64($0) } : nil }
}
