/// Lets a container's alerts through up to so many in one second, and then none for a while, as KubeArmor does; each silence is announced, and what it held back is
/// told at its end. Verdicts know nothing of it.
public struct AlertThrottle: Sendable {
    /// Containers that are counted at one time. Beyond it those whose second and silence are over are forgotten; if none is, the alert goes through.
    public static let capacity = 65_536

    private struct Account: Sendable {
        var second: UInt64
        var count: Int
        var silentUntil: UInt64 = 0
        var held: UInt64 = 0
    }

    /// What becomes of an alert, and what is to be said before it.
    public struct Decision: Equatable, Sendable {
        public var passes: Bool
        /// A silence begins.
        public var begins = false
        /// A silence has ended that held back so many.
        public var held: UInt64 = 0
    }

    public let limit: Int
    public let seconds: Int
    private var accounts: [String: Account] = [:]
    /// Alerts that were held back, all together.
    public private(set) var total: UInt64 = 0

    /// - Parameters:
    ///   - limit: Alerts of one container within one second from the first; 0: no limit.
    ///   - seconds: Of silence.
    public init(limit: Int, seconds: Int) { (self.limit, self.seconds) = (limit, seconds) }

    /// - Parameter time: When the alert was raised, in nanoseconds of any clock that only goes forward.
    public mutating func decide(_ container: String, at time: UInt64) -> Decision {
        guard limit > 0 else { return Decision(passes: true) }
        if accounts[container] == nil, accounts.count >= Self.capacity {
            accounts = accounts.filter { $0.value.silentUntil > time || $0.value.held > 0 || time &- $0.value.second < 1_000_000_000 }
            guard accounts.count < Self.capacity else { return Decision(passes: true) }
        }
        var account = accounts[container] ?? Account(second: time, count: 0)
        defer { accounts[container] = account }
        guard time >= account.silentUntil else {
            account.held += 1
            total += 1
            return Decision(passes: false)
        }
        var decision = Decision(passes: true, held: account.held)
        if account.held > 0 || time &- account.second >= 1_000_000_000 { (account.second, account.count, account.held) = (time, 0, 0) }
        account.count += 1
        guard account.count > limit else { return decision }
        account.silentUntil = time &+ UInt64(seconds) * 1_000_000_000
        account.held = 1
        total += 1
        decision.passes = false
        decision.begins = true
        return decision
    }
}

extension FeedTranslator {
    /// Says that a container's alerts are held back from here on, with KubeArmor's words.
    public func thresholdNotice(for alert: KubeArmorMessage, _ throttle: AlertThrottle) -> KubeArmorMessage {
        var message = silenceNotice(like: alert, throttle)
        message.message = "more than \(throttle.limit) alerts in a second: the next \(throttle.seconds) seconds' are held back and counted"
        return message
    }

    /// Says how many were held back.
    public func heldNotice(for alert: KubeArmorMessage, _ count: UInt64, _ throttle: AlertThrottle) -> KubeArmorMessage {
        var message = silenceNotice(like: alert, throttle)
        message.message = "\(count) alerts were held back"
        message.take(MessageData(.held, String(count)))
        return message
    }

    private func silenceNotice(like alert: KubeArmorMessage, _ throttle: AlertThrottle) -> KubeArmorMessage {
        var message = KubeArmorMessage(.alert)
        (message.timestamp, message.updatedTime, message.clusterName, message.hostName) = (alert.timestamp, alert.updatedTime, alert.clusterName, alert.hostName)
        (message.nodeID, message.workload) = (alert.nodeID, alert.workload)
        message.type = "SystemEvent"
        message.operation = "AlertThreshold"
        message.enforcer = alert.enforcer
        message.maximumAlertsPerSecond = Int32(clamping: throttle.limit)
        message.droppingAlertsInterval = Int32(clamping: throttle.seconds)
        return message
    }
}
