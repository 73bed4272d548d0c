#if NRI
import CLinux
import Core
import Glibc
import HookWire

/// Tells the daemon of all that the runtime runs, one after the other, without keeping the runtime waiting: each frame is sent when the answer to the one
/// before has come.
struct Replay {
    /// Nanoseconds that the daemon may take for one answer.
    private static let patience: UInt64 = 10_000_000_000
    /// Milliseconds for connecting, and for sending a frame: the runtime may be waiting for this thread.
    private static let connecting: Int32 = 50

    let descriptor: Int32
    /// When the daemon has been silent for too long, on the monotonic clock.
    private(set) var deadline: UInt64
    private var frames: [[UInt8]]
    private var next = 0
    private var answers = AnswerReader()
    private(set) var registered = 0
    /// What the daemon would not take, with its reason; not those whose process has ended meanwhile.
    private(set) var refused: [(id: String, reason: String)] = []
    private let ids: [String]

    /// Connects, and sends the first frame. No marks are set: those are for a look at the whole machine, which this is not.
    ///
    /// - Throws: `.system` if the daemon is away.
    init(_ messages: [HookMessage], socket: String) throws(PortcullisError) {
        descriptor = pcl_unix_connect_within(socket, Self.connecting)
        guard descriptor >= 0 else { throw PortcullisError(.system, "connecting to the daemon at \(socket)", errno: -descriptor) }
        frames = messages.map { $0.encoded() }
        ids = messages.map { String(decoding: $0.containerID, as: UTF8.self) }
        deadline = HostFacts.now + Self.patience
        do { if !frames.isEmpty { try send() } } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    func close() { _ = Glibc.close(descriptor) }

    var isOver: Bool { next == frames.count }

    /// Takes an answer and sends the next frame. True when all is told.
    mutating func proceed() throws(PortcullisError) -> Bool {
        guard let answer = try answers.read(descriptor) else { return false }
        switch answer.code {
        case .peerNotAllowed: throw PortcullisError(.peer, "the daemon does not listen to this process: \(String(decoding: answer.reason, as: UTF8.self))")
        case .processGone: break
        default:
            if answer.code.accepted { registered += 1 } else { refused.append((ids[next], String(decoding: answer.reason, as: UTF8.self))) }
        }
        frames[next] = []
        next += 1
        guard next < frames.count else { return true }
        deadline = HostFacts.now + Self.patience
        try send()
        return false
    }

    /// A frame is far smaller than the socket's buffer, which the daemon has emptied before it answered.
    private func send() throws(PortcullisError) {
        let frame = frames[next]
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PortcullisError(.system, "sending to the daemon", errno: errno) }
            sent += count
        }
    }
}
#endif
