import HookWire

/// What hooks say of how they ended, and how long they took; counters only grow.
struct HookOutcomes {
    var letThrough: UInt64 = 0
    var letThroughByNamespace: UInt64 = 0
    var denied: UInt64 = 0
    /// Of the three above, those that told it themselves instead of leaving a message in the spool.
    var reports: UInt64 = 0
    /// Of hooks that sent a message: microseconds from their start until then, all together, and how many hooks that were.
    var microseconds: UInt64 = 0
    var timed: UInt64 = 0
    var maximum: UInt32 = 0

    mutating func count(_ message: HookMessage) {
        count(message.ending)
        guard message.elapsed > 0, message.ending == .unknown else { return }
        microseconds &+= UInt64(message.elapsed)
        timed += 1
        maximum = max(maximum, message.elapsed)
    }

    mutating func count(_ report: HookReport) {
        reports += 1
        count(report.ending)
    }

    private mutating func count(_ ending: HookEnding) {
        switch ending {
        case .unknown: break
        case .letThrough: letThrough += 1
        case .letThroughByNamespace: letThroughByNamespace += 1
        case .denied: denied += 1
        }
    }
}
