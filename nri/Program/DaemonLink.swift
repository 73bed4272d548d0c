#if NRI
import CLinux
import Core
import Glibc
import HookWire

/// One question to the daemon and its answer, while the runtime waits.
struct DaemonLink {
    let socket: String
    /// Milliseconds for everything.
    let timeout: Int

    /// Whether what was asked at that time has taken all the time there is.
    func hasHung(since asked: UInt64) -> Bool { HostFacts.now - asked >= UInt64(timeout) * 900_000 }

    /// What came of it.
    enum Outcome {
        case registered
        case refused(HookAnswer.Code, String)
        case unanswered(String)
    }

    /// Has the daemon register a sandbox or a container, or confirm that it is registered.
    func confirm(_ message: HookMessage) -> Outcome {
        let deadline = HostFacts.now + UInt64(timeout) * 1_000_000
        let descriptor = pcl_unix_connect_within(socket, Int32(timeout))
        guard descriptor >= 0 else { return .unanswered("\(socket): \(SystemErrorText.text(-descriptor))") }
        defer { close(descriptor) }
        let frame = message.encoded()
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes { send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .unanswered("\(socket): \(SystemErrorText.text(errno))") }
            sent += count
        }
        var answers = AnswerReader()
        while true {
            let left = deadline > HostFacts.now ? (deadline - HostFacts.now) / 1_000_000 : 0
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, Int32(left))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return .unanswered("\(socket): \(SystemErrorText.text(ETIMEDOUT))") }
            do throws(PortcullisError) {
                guard let answer = try answers.read(descriptor) else { continue }
                return answer.code.accepted ? .registered : .refused(answer.code, String(decoding: answer.reason, as: UTF8.self))
            } catch { return .unanswered("\(socket): \(error)") }
        }
    }
}

/// Puts the daemon's answers together.
struct AnswerReader {
    private var bytes: [UInt8] = []

    /// Reads what has come. Nil if there is no whole answer yet.
    ///
    /// - Throws: If the connection is closed, or what comes is no answer.
    mutating func read(_ descriptor: Int32) throws(PortcullisError) -> HookAnswer? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        guard count > 0 else { throw PortcullisError(.system, "the daemon has closed the connection", errno: count < 0 ? errno : 0) }
        bytes += buffer[..<count]
        guard bytes.count >= Frame.lengthBytes else { return nil }
        let length = (0..<Frame.lengthBytes).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
        guard length <= HookAnswer.reasonLimit + 64 else { throw PortcullisError(.peer, "what listens is not portcullisd") }
        guard bytes.count >= Frame.lengthBytes + length else { return nil }
        let body = bytes[Frame.lengthBytes..<(Frame.lengthBytes + length)]
        let answer: HookAnswer
        do { answer = try HookAnswer(decoding: body) } catch { throw PortcullisError(.peer, "what listens is not portcullisd: \(error.reason)") }
        bytes.removeFirst(Frame.lengthBytes + length)
        return answer
    }
}
#endif
