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

    /// Connects, and sends the opening mark.
    ///
    /// - Throws: `.system` if the daemon is away.
    init(_ messages: [HookMessage], socket: String, timeout: Int) throws(PortcullisError) {
        descriptor = pcl_unix_connect_within(socket, Int32(timeout))
        guard descriptor >= 0 else { throw PortcullisError(.system, "connecting to the daemon at \(socket)", errno: -descriptor) }
        frames = [ReplayMark.begin.encoded()] + messages.map { $0.encoded() } + [ReplayMark.end(problems: []).encoded()]
        ids = messages.map { String(decoding: $0.containerID, as: UTF8.self) }
        deadline = HostFacts.now + Self.patience
        do { try send() } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    func close() { _ = Glibc.close(descriptor) }

    /// Takes an answer and sends the next frame. True when all is told.
    mutating func proceed() throws(PortcullisError) -> Bool {
        guard let answer = try answers.read(descriptor) else { return false }
        if next > 0, next <= ids.count {
            if answer.code.accepted {
                registered += 1
            } else if answer.code != .processGone {
                refused.append((ids[next - 1], String(decoding: answer.reason, as: UTF8.self)))
            }
        } else if answer.code != .noted {
            throw PortcullisError(.peer, "the daemon takes no replay: \(String(decoding: answer.reason, as: UTF8.self))")
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
