import Core

/// What the plugin has done; each only grows.
public struct PluginCounters: Sendable {
    public var connections: UInt64 = 0
    /// Connections on which the runtime would not have this plugin.
    public var refusedByRuntime: UInt64 = 0
    public var events: [RuntimeEvent: UInt64] = [:]
    public var synchronizations: UInt64 = 0
    /// Containers that were given the hook.
    public var hooksGiven: UInt64 = 0
    /// Containers that were not, since the program is not there.
    public var hooksMissing: UInt64 = 0
    /// Sandboxes and containers that the daemon has confirmed before they ran.
    public var confirmed: UInt64 = 0
    /// Those that it refused, and those that it did not answer for.
    public var refused: UInt64 = 0
    public var unanswered: UInt64 = 0
    /// Those whose process was not to be seen.
    public var unseen: UInt64 = 0
    /// Containers that were not let start, or be created, because of it.
    public var denied: UInt64 = 0
    /// Times that all that is known was sent to the daemon, the containers in them, and those that the daemon refused.
    public var replays: UInt64 = 0
    public var replayed: UInt64 = 0
    public var replayRefused: UInt64 = 0
    /// Times that the runtime no longer spoke and was asked anew; and those in which it had indeed kept something back.
    public var silences: UInt64 = 0
    public var silencesConfirmed: UInt64 = 0
    /// Answers that came after the runtime had given up waiting.
    public var late: UInt64 = 0
    /// Labels of pods that found no room in the annotation.
    public var labelsCut: UInt64 = 0
    /// Annotations of pods that found no room in what the daemon is told.
    public var annotationsCut: UInt64 = 0
    /// From a request's arrival to its answer's being sent.
    public var answerTimes: [RuntimeEvent: LatencyHistogram] = [:]

    public init() {}

    public func write(_ writer: inout JSONWriter) {
        for (name, value) in [
            ("connections", connections), ("refusedByRuntime", refusedByRuntime), ("synchronizations", synchronizations), ("hooksGiven", hooksGiven),
            ("hooksMissing", hooksMissing), ("confirmed", confirmed), ("refused", refused), ("unanswered", unanswered), ("unseen", unseen), ("denied", denied),
            ("replays", replays), ("replayed", replayed), ("replayRefused", replayRefused), ("silences", silences),
            ("silencesConfirmed", silencesConfirmed), ("late", late), ("labelsCut", labelsCut), ("annotationsCut", annotationsCut),
        ] { writer.member(name, value) }
        writer.key("events")
        writer.object { writer in
            for event in RuntimeEvent.allCases { if let count = events[event] { writer.member(event.method, count) } }
        }
        writer.key("answerTimes")
        writer.object { writer in
            for event in RuntimeEvent.allCases {
                guard let times = answerTimes[event] else { continue }
                writer.key(event.method)
                times.write(&writer)
            }
        }
    }
}
