import CLinux
import Core
import Glibc

/// What a readiness event is about. The number goes through epoll's data word.
struct PollToken: Equatable {
    enum Kind: UInt8 {
        case signals = 1
        case hookListener
        case controlListener
        case hookPeer
        case controlClient
        case events
        case emptySlots
        case container
        case configuration
        case spool
        case timer
        case policies
        case alerts
        case replay
        case alarm
        case pins
        case eventsListener
        case pace
    }

    let kind: Kind
    /// A descriptor, or a slot and the low bits of its generation.
    let value: UInt64

    init(_ kind: Kind, _ value: UInt64 = 0) {
        self.kind = kind
        self.value = value & Self.valueMask
    }

    /// The token of a container's pidfd: 24 bits of slot, 32 of generation.
    init(_ reference: SlotReference) {
        self.init(.container, UInt64(reference.slot & 0xFF_FFFF) << 32 | UInt64(reference.generation))
    }

    init?(word: UInt64) {
        guard let kind = Kind(rawValue: UInt8(word >> 56)) else { return nil }
        self.kind = kind
        value = word & Self.valueMask
    }

    var word: UInt64 { UInt64(kind.rawValue) << 56 | value }
    var descriptor: Int32 { Int32(truncatingIfNeeded: value) }
    var reference: SlotReference { SlotReference(slot: UInt32(value >> 32), generation: UInt32(truncatingIfNeeded: value)) }

    private static let valueMask: UInt64 = (1 << 56) - 1
}

/// An epoll set.
final class Poller {
    private let descriptor: Int32
    private var ready = [epoll_event](repeating: epoll_event(), count: 256)

    init() throws(PortcullisError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw PortcullisError(.system, "creating an epoll set", errno: errno) }
    }

    deinit { close(descriptor) }

    /// Watches a descriptor for input.
    func add(_ watched: Int32, _ token: PollToken) throws(PortcullisError) {
        try control(EPOLL_CTL_ADD, watched, token, EPOLLIN.rawValue)
    }

    /// Watches for input, or for nothing for a while.
    func change(_ watched: Int32, _ token: PollToken, input: Bool) throws(PortcullisError) {
        try control(EPOLL_CTL_MOD, watched, token, input ? EPOLLIN.rawValue : 0)
    }

    /// Also watches for room to write, or no longer.
    func change(_ watched: Int32, _ token: PollToken, output: Bool) throws(PortcullisError) {
        try control(EPOLL_CTL_MOD, watched, token, EPOLLIN.rawValue | (output ? EPOLLOUT.rawValue : 0))
    }

    /// Watches a listener, and says once for each new connection that there are some: a connection that cannot be accepted
    /// must not keep the loop from sleeping.
    func add(listener: Int32, _ token: PollToken) throws(PortcullisError) {
        try control(EPOLL_CTL_ADD, listener, token, EPOLLIN.rawValue | EPOLLET.rawValue)
    }

    /// Says again that a listener has connections, if it has.
    func remind(listener: Int32, _ token: PollToken) throws(PortcullisError) {
        try control(EPOLL_CTL_MOD, listener, token, EPOLLIN.rawValue | EPOLLET.rawValue)
    }

    private func control(_ operation: Int32, _ watched: Int32, _ token: PollToken, _ events: UInt32) throws(PortcullisError) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = token.word
        guard epoll_ctl(descriptor, operation, watched, &event) == 0 else {
            throw PortcullisError(.system, "watching a descriptor", errno: errno)
        }
    }

    /// Waits without limit. Until `awake`, on the monotonic clock, it looks again and
    /// again instead of sleeping.
    func wait(awake: UInt64) throws(PortcullisError) -> [PollToken] {
        var count: Int32 = 0
        while count == 0 {
            let sleeps = awake == 0 || Clocks.monotonic >= awake
            count = epoll_wait(descriptor, &ready, Int32(ready.count), sleeps ? -1 : 0)
            if sleeps { break }
            // The hook that we wait for may need this very processor.
            if count == 0 { sched_yield() }
        }
        if count < 0, errno == EINTR { return [] }
        guard count >= 0 else { throw PortcullisError(.system, "waiting for events", errno: errno) }
        return ready.prefix(Int(count)).compactMap { PollToken(word: $0.data.u64) }
    }
}
