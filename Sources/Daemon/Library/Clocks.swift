import Glibc

/// The clocks that the daemon reads.
enum Clocks {
    /// Nanoseconds since boot, suspend included: the kernel's event time.
    static var sinceBoot: UInt64 { read(CLOCK_BOOTTIME) }
    static var monotonic: UInt64 { read(CLOCK_MONOTONIC) }
    /// What to add to `sinceBoot` for nanoseconds since 1970; read anew each time, since the wall clock is set now and then.
    static var wallOffset: UInt64 { read(CLOCK_REALTIME) &- sinceBoot }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
