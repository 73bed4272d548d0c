import Core
import HookWire

/// How a hook's run ended, as far as it concerns how long it took.
enum HookOutcome: String, CaseIterable {
    case registered, removed, refused, letThrough, letThroughByNamespace, denied
}

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
    /// From a hook's start to its sending, or where it had nothing to send to, to its end; as the hook measured it.
    private(set) var durations: [HookOutcome: LatencyHistogram] = [:]

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
        if let outcome = Self.outcome(report.ending) { time(outcome, report.elapsed) }
    }

    /// How long the hook took whose message was answered so, or lay in the spool.
    mutating func time(_ message: HookMessage, _ code: HookAnswer.Code) {
        time(Self.outcome(message.ending) ?? (code == .registered ? .registered : code == .removed ? .removed : .refused), message.elapsed)
    }

    private mutating func time(_ outcome: HookOutcome, _ microseconds: UInt32) {
        // What replay found no hook has timed.
        guard microseconds > 0 else { return }
        durations[outcome, default: LatencyHistogram()].add(nanoseconds: UInt64(microseconds) * 1_000)
    }

    /// Nil for a hook that delivered its message.
    private static func outcome(_ ending: HookEnding) -> HookOutcome? {
        switch ending {
        case .unknown: nil
        case .letThrough: .letThrough
        case .letThroughByNamespace: .letThroughByNamespace
        case .denied: .denied
        }
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
