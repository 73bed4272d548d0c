import Core
import Glibc

/// How often the loop wakes for events. One that comes alone is read at once; where one follows on another, the loop looks a few hundred times a second, however many
/// there are: to be woken for each would cost more than the event.
struct EventPace {
    /// Nanoseconds between two looks while there are many.
    private static let interval: UInt64 = 2_000_000

    private let ring: Int32
    private let poller: Poller
    private var timer: Deadline
    private var last: UInt64 = 0
    private var isPaused = false

    init(_ ring: Int32, _ poller: Poller) throws(PortcullisError) {
        (self.ring, self.poller) = (ring, poller)
        timer = try Deadline(poller, PollToken(.pace))
        try poller.add(ring, PollToken(.events))
    }

    /// After each look at the ring: how many events were taken, of how many at most. Where there were as many, there are more, and the next look follows at once.
    mutating func woken(consumed: Int, of limit: Int, isTimer: Bool) throws(PortcullisError) {
        if isTimer { timer.expired() }
        guard consumed > 0 || isTimer else { return }
        let now = Clocks.monotonic, pause = consumed < limit ? Self.interval : 1
        if isPaused, isTimer, consumed == 0 {
            isPaused = false
            // What came meanwhile is seen at once: the ring is asked whether it has anything when this is said.
            try poller.change(ring, PollToken(.events), input: true)
        } else if isPaused {
            timer.set(now + pause)
        } else if now &- last < Self.interval {
            isPaused = true
            try poller.change(ring, PollToken(.events), input: false)
            timer.set(now + pause)
        }
        last = now
    }
}
