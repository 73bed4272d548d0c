import CLinux
import Core
import Glibc
import HookWire

/// Tells the daemon over its hook socket what a scan has found: a mark, an add for each container, a mark.
public struct ReplayClient: ~Copyable {
    /// Seconds that the daemon may take for one answer.
    private static let patience = 10

    /// What the daemon made of a scan.
    public struct Report: Sendable {
        public var registered = 0
        /// Container and reason.
        public var refused: [(id: String, reason: String)] = []
    }

    private let descriptor: Int32
    private let socket: String

    /// - Throws: `.system` if nobody listens.
    public init(_ socket: String) throws(PortcullisError) {
        self.socket = socket
        descriptor = pcl_unix_connect(socket)
        guard descriptor >= 0 else { throw PortcullisError(.system, "connecting to the daemon at \(socket)", errno: -descriptor) }
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The mark that opens a scan; sent before the scan is made, so that the daemon knows that one is under way.
    public func begin() throws(PortcullisError) {
        let answer = try ask(ReplayMark.begin.encoded())
        guard answer.code == .noted else { throw refusal(answer) }
    }

    /// Sends what was found, and the closing mark.
    public func send(_ findings: [ReplayFinding], problems: [String]) throws(PortcullisError) -> Report {
        var report = Report()
        for finding in findings {
            let answer = try ask(finding.message.encoded())
            if answer.code.accepted {
                report.registered += 1
            } else {
                report.refused.append((String(decoding: finding.message.containerID, as: UTF8.self), String(decoding: answer.reason, as: UTF8.self)))
            }
        }
        let answer = try ask(ReplayMark.end(problems: problems.map { Array($0.utf8) }).encoded())
        guard answer.code == .noted else { throw refusal(answer) }
        return report
    }

    private func refusal(_ answer: HookAnswer) -> PortcullisError {
        PortcullisError(.peer, "the daemon at \(socket) takes no replay: \(String(decoding: answer.reason, as: UTF8.self))")
    }

    private func ask(_ frame: [UInt8]) throws(PortcullisError) -> HookAnswer {
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PortcullisError(.system, "sending to the daemon at \(socket)", errno: errno) }
            sent += count
        }
        let header = try receive(Frame.lengthBytes)
        let length = (0..<Frame.lengthBytes).reduce(0) { $0 | Int(header[$1]) << ($1 * 8) }
        guard length <= 4096 else { throw PortcullisError(.peer, "what listens on \(socket) is not portcullisd") }
        let body = try receive(length)
        do { return try HookAnswer(decoding: body[...]) } catch {
            throw PortcullisError(.peer, "what listens on \(socket) is not portcullisd: \(error.reason)")
        }
    }

    private func receive(_ count: Int) throws(PortcullisError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, 0) }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw PortcullisError(.system, "waiting for the daemon at \(socket)", errno: errno == EAGAIN ? ETIMEDOUT : errno) }
            guard read > 0 else { throw PortcullisError(.system, "the daemon at \(socket) closed the connection") }
            filled += read
        }
        return bytes
    }
}
