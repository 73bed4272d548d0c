/// From where on somebody wants to see what has been kept.
public enum HistoryStart: Equatable, Sendable {
    /// Nanoseconds since 1970.
    case time(UInt64)
    /// Behind the event of this id.
    case event(EventID)

    private static let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// A span of time before `now` (`90s`, `10m`, `2h`, `7d`), an RFC 3339 time, or an event's id; nil for what is none of them.
    public init?(_ text: String, now: UInt64) {
        if let unit = text.last.flatMap({ Self.units[$0] }), let number = UInt64(text.dropLast()) {
            let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
            guard number > 0, !overflow else { return nil }
            self = .time(seconds > now / 1_000_000_000 ? 0 : now - seconds * 1_000_000_000)
        } else if let time = Timestamp.nanoseconds(text) {
            self = .time(time)
        } else if let event = EventID(text) {
            self = .event(event)
        } else {
            return nil
        }
    }
}

/// A feed's name for an event: `<boot>-<time>-<cpu>`, all hexadecimal, the time in nanoseconds since the boot as 16 digits.
public struct EventID: Hashable, Sendable {
    public let boot: String
    public let time: UInt64
    public let cpu: UInt16

    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy({ $0.isHexDigit && $0.isASCII }), parts[1].utf8.count == 16, let time = UInt64(parts[1], radix: 16),
            let cpu = UInt16(parts[2], radix: 16)
        else { return nil }
        (boot, self.time, self.cpu) = (String(parts[0]), time, cpu)
    }
}

/// Chooses from messages in the order in which they were kept.
public struct HistorySelection: Sendable {
    private let start: HistoryStart?
    /// Whether a message of the boot of the wanted id has been seen; what follows from other boots is later then.
    public private(set) var hasSeenBoot = false

    public init(from start: HistoryStart?) { self.start = start }

    public mutating func takes(_ message: KubeArmorMessage) -> Bool {
        switch start {
        case nil: return true
        case .time(let time): return (Timestamp.nanoseconds(message.updatedTime) ?? UInt64(clamping: message.timestamp) &* 1_000_000_000) >= time
        case .event(let wanted):
            // What has no id, a notice say, is where it stands in the file.
            guard let event = EventID(message.eventID), event.boot == wanted.boot else { return hasSeenBoot }
            hasSeenBoot = true
            return (event.time, event.cpu) > (wanted.time, wanted.cpu)
        }
    }
}
