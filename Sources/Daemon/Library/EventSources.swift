import CLinux
import Core
import Glibc

/// Signals as readable events: they arrive between two steps of the loop, never inside one.
struct SignalSource {
    private let descriptor: Int32

    init(_ poller: Poller) throws(PortcullisError) {
        let signals = [SIGTERM, SIGINT, SIGHUP]
        descriptor = pcl_signalfd(signals, signals.count)
        guard descriptor >= 0 else { throw PortcullisError(.system, "creating a signal descriptor", errno: -descriptor) }
        signal(SIGPIPE, SIG_IGN)
        try poller.add(descriptor, PollToken(.signals))
    }

    func read() -> [Int32] {
        var signals: [Int32] = []
        var info = signalfd_siginfo()
        while Glibc.read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
            signals.append(Int32(info.ssi_signo))
        }
        return signals
    }
}

/// A timer, armed only while something has a deadline: an idle daemon is never woken.
struct Deadline {
    /// Nanoseconds by which a deadline has to be earlier for the timer to be set anew.
    private static let slack: UInt64 = 1_000_000

    private let descriptor: Int32
    private(set) var isArmed = false
    private var armedFor: UInt64 = 0

    init(_ poller: Poller, _ token: PollToken) throws(PortcullisError) {
        descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard descriptor >= 0 else { throw PortcullisError(.system, "creating a timer", errno: errno) }
        try poller.add(descriptor, token)
    }

    /// Wakes the loop at `deadline` on the monotonic clock, if it is not to be woken before. An alarm that is set stays unless it is too late: it may
    /// find nothing to do, which is cheaper than moving it with every connection.
    mutating func set(_ deadline: UInt64) {
        guard !isArmed || deadline + Self.slack < armedFor else { return }
        isArmed = true
        armedFor = deadline
        var specification = itimerspec()
        specification.it_value.tv_sec = Int(deadline / 1_000_000_000)
        specification.it_value.tv_nsec = Int(deadline % 1_000_000_000)
        timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &specification, nil)
    }

    mutating func expired() {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, MemoryLayout<UInt64>.size)
        isArmed = false
    }
}

/// Room for one pidfd a container and for the connections.
enum DescriptorLimit {
    static func raise(for capacity: Int) throws(PortcullisError) {
        let wanted = rlim_t(capacity + HookServer.connectionLimit + ControlServer.clientLimit + 256)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw PortcullisError(.system, "reading the descriptor limit", errno: errno)
        }
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = wanted
        limit.rlim_max = max(limit.rlim_max, wanted)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw PortcullisError(.system, "raising the descriptor limit to \(wanted), which \(capacity) containers need", errno: errno)
        }
    }
}

/// Tells systemd how the service is (sd_notify(3)); without systemd it does nothing.
enum SystemdNotify {
    static func send(_ message: String) {
        guard let path = getenv("NOTIFY_SOCKET") else { return }
        _ = pcl_notify(path, message, message.utf8.count)
    }
}
