import CLinux
import Core
import Glibc

/// A conversation with the daemon: one request, then items until the end.
public struct ControlConnection {
    private let descriptor: Int32
    private var received: [UInt8] = []
    /// Bytes of one answer; the daemon's largest are a container and a rule with all their texts at their limits: one rule's may be as long
    /// as a policy file, and each of its bytes six characters of JSON.
    private static let answerLimit = 32 << 20

    /// Connects and asks.
    ///
    /// - Throws: `PortcullisError` that says what to look at.
    public init(_ socket: String, _ command: ControlProtocol.Command, _ text: String = "") throws(PortcullisError) {
        try self.init(socket, command, bytes: Array(text.utf8))
    }

    public init(_ socket: String, _ command: ControlProtocol.Command, bytes: [UInt8]) throws(PortcullisError) {
        descriptor = pcl_unix_connect(socket)
        guard descriptor >= 0 else {
            let hint = switch -descriptor {
            case ENOENT, ECONNREFUSED: " (is portcullisd running?)"
            case EACCES, EPERM: " (are you root?)"
            default: ""
            }
            throw PortcullisError(.system, "cannot reach the daemon at \(socket)\(hint)", errno: -descriptor)
        }
        let request = ControlProtocol.request(command, bytes)
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes { send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            // A refusal may have closed the connection already; its words are read all the same.
            if count < 0, errno == EPIPE || errno == ECONNRESET { break }
            guard count >= 0 else { throw PortcullisError(.system, "asking the daemon", errno: errno) }
            sent += count
        }
    }

    /// The next item as JSON text; nil at the end.
    public mutating func next() throws(PortcullisError) -> [UInt8]? {
        let header = try take(4)
        let length = (0..<4).reduce(0) { $0 | Int(header[$1]) << ($1 * 8) }
        guard length <= Self.answerLimit else { throw PortcullisError(.peer, "the daemon's answer has \(length) bytes") }
        let body = try take(length)
        guard let (second, text) = ControlProtocol.parts(body[...]), let kind = ControlProtocol.Kind(rawValue: second) else {
            throw PortcullisError(.peer, "the daemon speaks another version of the control protocol")
        }
        switch kind {
        case .item: return Array(text)
        case .end: return nil
        case .record: throw PortcullisError(.peer, "the daemon sent a record where none was asked for")
        case .failed: throw PortcullisError(.peer, "the daemon refused: \(String(decoding: text, as: UTF8.self))")
        }
    }

    /// Milliseconds that a daemon may take to end.
    private static let endLimit: Int32 = 30_000

    /// Asks the daemon to stop, and waits until its process is gone: only then are its locks and descriptors.
    public static func stopDaemon(_ socket: String) throws(PortcullisError) {
        let connection = try ControlConnection(socket, .stop)
        var peer = pcl_peer()
        guard pcl_peer_of(connection.descriptor, &peer) == 0, peer.pid > 0 else {
            throw PortcullisError(.system, "the daemon at \(socket) is not to be seen from here, so that nobody can say when it has stopped")
        }
        let process = pcl_pidfd_open(peer.pid)
        // Gone already.
        guard process >= 0 else { return }
        defer { close(process) }
        var poller = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, endLimit) > 0 else { throw PortcullisError(.system, "the daemon, process \(peer.pid), has not stopped in time") }
    }

    private mutating func take(_ count: Int) throws(PortcullisError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while received.count < count {
            let read = recv(descriptor, &buffer, buffer.count, 0)
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw PortcullisError(.system, "reading the daemon's answer", errno: errno) }
            guard read > 0 else { throw PortcullisError(.system, "the daemon closed the connection") }
            received.append(contentsOf: buffer[..<read])
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }
}
