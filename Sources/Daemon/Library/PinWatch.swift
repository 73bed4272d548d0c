import CLinux
import Core
import Glibc

/// Notices that somebody removes what the daemon has pinned: a program whose pin goes is detached, and nothing else would tell.
struct PinWatch {
    private var notifier: Int32 = -1
    /// What the log has said already.
    private var told: [String] = []

    mutating func watch(_ directory: String, _ poller: Poller) throws(PortcullisError) {
        notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard notifier >= 0, inotify_add_watch(notifier, directory, UInt32(IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF)) >= 0 else {
            throw PortcullisError(.system, "watching \(directory)", errno: errno)
        }
        try poller.add(notifier, PollToken(.pins))
    }

    /// Forgets the notices, many of which are the daemon's own doing.
    ///
    /// - Parameter missing: Programs that are without a pin now.
    /// - Returns: What the log does not know yet; empty if it knows.
    mutating func news(_ missing: [String]) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(notifier, &buffer, buffer.count) > 0 {}
        defer { told = missing }
        return missing == told ? [] : missing
    }
}
