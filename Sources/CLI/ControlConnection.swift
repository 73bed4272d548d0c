import ArgumentParser
import CLinux
import Core
import Glibc

/// A conversation with the daemon: one request, then items until the end.
struct ControlConnection {
    private let descriptor: Int32
    private var received: [UInt8] = []
    /// Bytes of one answer; the daemon's largest is a container with all its texts at their limits.
    private static let answerLimit = 1 << 20

    /// Connects and asks.
    ///
    /// - Throws: `PortcullisError` that says what to look at.
    init(_ socket: String, _ command: ControlProtocol.Command, _ text: String = "") throws(PortcullisError) {
        descriptor = pcl_unix_connect(socket)
        guard descriptor >= 0 else {
            let hint = switch -descriptor {
            case ENOENT, ECONNREFUSED: " (is portcullisd running?)"
            case EACCES, EPERM: " (are you root?)"
            default: ""
            }
            throw PortcullisError(.system, "cannot reach the daemon at \(socket)\(hint)", errno: -descriptor)
        }
        let request = ControlProtocol.request(command, text)
        let sent = request.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        // A refusal may have closed the connection already; its words are read all the same.
        guard sent == request.count || errno == EPIPE else { throw PortcullisError(.system, "asking the daemon", errno: errno) }
    }

    /// The next item as JSON text; nil at the end.
    mutating func next() throws(PortcullisError) -> [UInt8]? {
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
        case .failed: throw PortcullisError(.peer, "the daemon refused: \(String(decoding: text, as: UTF8.self))")
        }
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

/// Runs a command's body; a `PortcullisError` becomes one line on standard error and exit code 1.
func reportingErrors(_ body: () throws -> Void) throws {
    do { try body() } catch let error as PortcullisError {
        Output.complain("portcullis: \(error)")
        throw Exit.unreachable
    }
}
