import CLinux
import Core
import Glibc

/// A conversation with the daemon: one request, then items until the end.
public struct ControlConnection {
    let descriptor: Int32
    private let socket: String
    /// Milliseconds that the daemon may be silent while it owes something; 0 for no limit.
    private var patience: Int
    /// What has come, and where in it the next frame begins.
    private var received: [UInt8] = []
    private var start = 0
    /// Bytes of one answer; the daemon's largest are a container and a rule with all their texts at their limits: one rule's may be as long
    /// as a policy file, and each of its bytes six characters of JSON.
    private static let answerLimit = 32 << 20

    /// Milliseconds that the daemon may take to accept a connection, and to answer what is asked for at once.
    public static let usualPatience = 30_000

    /// Connects and asks.
    ///
    /// - Parameter patience: Milliseconds that the daemon may take, for each step. What comes for as long as the client stays is waited for without end.
    /// - Throws: `PortcullisError` that says what to look at.
    public init(_ socket: String, _ command: ControlProtocol.Command, _ text: String = "", patience: Int = Self.usualPatience) throws(PortcullisError) {
        try self.init(socket, command, bytes: Array(text.utf8), patience: patience)
    }

    public init(_ socket: String, _ command: ControlProtocol.Command, bytes: [UInt8], patience: Int = Self.usualPatience) throws(PortcullisError) {
        self.socket = socket
        self.patience = patience
        descriptor = pcl_unix_connect_within(socket, Int32(clamping: patience))
        guard descriptor >= 0 else {
            // The queue of its socket is full, and stays so.
            if -descriptor == EAGAIN { throw PortcullisError(.system, "the daemon at \(socket) has not taken the connection within \(patience) ms: it hangs, or has far too much to do") }
            let hint = switch -descriptor {
            case ENOENT, ECONNREFUSED: " (is portcullisd running?)"
            case EACCES, EPERM: " (are you root?)"
            default: ""
            }
            throw PortcullisError(.system, "cannot reach the daemon at \(socket)\(hint)", errno: -descriptor)
        }
        if command.isStream { limitWaiting(milliseconds: 0) }
        let request = ControlProtocol.request(command, bytes)
        var sent = 0
        while sent < request.count {
            let count = request.withUnsafeBytes { send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            // A refusal may have closed the connection already; its words are read all the same.
            if count < 0, errno == EPIPE || errno == ECONNRESET { break }
            guard count >= 0 else {
                let error = errno
                Glibc.close(descriptor)
                if error == EAGAIN { throw PortcullisError(.system, "the daemon at \(socket) has not read the request within \(patience) ms: it hangs, or has far too much to do") }
                throw PortcullisError(.system, "asking the daemon", errno: error)
            }
            sent += count
        }
    }

    /// The next item as JSON text; nil at the end.
    public mutating func next() throws(PortcullisError) -> [UInt8]? {
        let body = try frame()
        let (kind, text) = try Self.parts(received[body])
        switch kind {
        case .item: return Array(text)
        case .end: return nil
        case .record: throw PortcullisError(.peer, "the daemon sent a record where none was asked for")
        case .failed: throw Self.refusal(text)
        }
    }

    /// The next record, which is good as long as `body` runs; false if none has come whole and `waits` is false.
    ///
    /// - Throws: Also where the daemon ends the stream, which it never does by itself.
    mutating func nextRecord(waits: Bool = true, _ take: (FeedRecord) -> Void) throws(PortcullisError) -> Bool {
        guard waits || hasFrame else { return false }
        let body = try frame()
        let (kind, text) = try Self.parts(received[body])
        switch kind {
        case .record:
            let isRecord = text.withUnsafeBytes { bytes in
                guard let record = FeedRecord(bytes) else { return false }
                take(record)
                return true
            }
            guard isRecord else { throw PortcullisError(.peer, "the daemon sent what is no record") }
            return true
        case .item: throw PortcullisError(.peer, "the daemon sent an item where records were asked for")
        case .end: throw PortcullisError(.system, "the daemon has ended the stream")
        case .failed: throw Self.refusal(text)
        }
    }

    private static func parts(_ body: ArraySlice<UInt8>) throws(PortcullisError) -> (ControlProtocol.Kind, ArraySlice<UInt8>) {
        guard let (second, text) = ControlProtocol.parts(body), let kind = ControlProtocol.Kind(rawValue: second) else {
            throw PortcullisError(.peer, "the daemon speaks another version of the control protocol")
        }
        return (kind, text)
    }

    private static func refusal(_ text: ArraySlice<UInt8>) -> PortcullisError {
        PortcullisError(.peer, "the daemon refused: \(String(decoding: text, as: UTF8.self))")
    }

    /// No answer within this time is an error from here on; 0 for no limit.
    public mutating func limitWaiting(milliseconds: Int) {
        patience = milliseconds
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    public func close() { Glibc.close(descriptor) }

    /// Milliseconds that a daemon may take to end.
    private static let endLimit: Int32 = 30_000

    /// Asks the daemon to stop, and waits until its process is gone: only then are its locks and descriptors.
    public static func stopDaemon(_ socket: String) throws(PortcullisError) {
        var connection = try ControlConnection(socket, .stop)
        var peer = pcl_peer()
        guard pcl_peer_of(connection.descriptor, &peer) == 0, peer.pid > 0 else {
            throw PortcullisError(.system, "the daemon at \(socket) is not to be seen from here, so that nobody can say when it has stopped")
        }
        let process = pcl_pidfd_open(peer.pid)
        // Gone already.
        guard process >= 0 else { return }
        defer { Glibc.close(process) }
        // It answers only to refuse; the connection ends with it.
        connection.limitWaiting(milliseconds: Int(endLimit))
        do throws(PortcullisError) { _ = try connection.next() } catch { if error.code == .peer { throw error } }
        var poller = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, endLimit) > 0 else { throw PortcullisError(.system, "the daemon, process \(peer.pid), has not stopped in time") }
    }

    // MARK: Frames

    /// Bytes of the next frame behind its length; nil until its length is there.
    private var frameLength: Int? {
        guard received.count - start >= 4 else { return nil }
        return (0..<4).reduce(0) { $0 | Int(received[start + $1]) << ($1 * 8) }
    }

    private var hasFrame: Bool { frameLength.map { received.count - start >= 4 + $0 } ?? false }

    /// Waits for the next frame and moves past it; where its body lies.
    private mutating func frame() throws(PortcullisError) -> Range<Int> {
        while true {
            if let length = frameLength {
                guard length <= Self.answerLimit else { throw PortcullisError(.peer, "the daemon's answer has \(length) bytes") }
                if received.count - start >= 4 + length {
                    defer { start += 4 + length }
                    return (start + 4)..<(start + 4 + length)
                }
            }
            try fill()
        }
    }

    /// Reads once.
    mutating func fill() throws(PortcullisError) {
        received.removeFirst(start)
        start = 0
        let limit = 64 << 10, filled = received.count
        var read = 0
        repeat {
            received.append(contentsOf: repeatElement(0, count: limit))
            read = received.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + filled }, limit, 0) }
            let error = errno
            received.removeLast(limit - max(read, 0))
            if read < 0, error == EAGAIN { throw PortcullisError(.system, "the daemon at \(socket) has not answered within \(patience) ms: it hangs, or has far too much to do") }
            guard read >= 0 || error == EINTR else { throw PortcullisError(.system, "reading the daemon's answer", errno: error) }
        } while read < 0
        guard read > 0 else { throw PortcullisError(.system, "the daemon closed the connection") }
    }
}
