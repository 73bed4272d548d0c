import Foundation
import HookWire

/// A UNIX stream socket's end, blocking, with a limit on every wait.
public final class Connection: @unchecked Sendable {
    public let descriptor: Int32

    public init(descriptor: Int32, patience: Int = 20) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects to a path; nil if nobody listens.
    public convenience init?(_ path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            return nil
        }
        self.init(descriptor: descriptor)
    }

    deinit { close(descriptor) }

    @discardableResult
    public func send(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Exactly this many bytes; nil if the peer closes or is silent.
    public func receive(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: max(count, 1))
        while bytes.count < count {
            let read = recv(descriptor, &buffer, count - bytes.count, 0)
            guard read > 0 else { return nil }
            bytes += buffer[..<read]
        }
        return bytes
    }

    /// The body of one frame.
    public func receiveFrame() -> [UInt8]? {
        guard let length = receive(4) else { return nil }
        return receive((0..<4).reduce(0) { $0 | Int(length[$1]) << ($1 * 8) })
    }

    /// Sends a request and reads the answer.
    public func ask(_ message: HookMessage) -> HookAnswer? {
        send(message.encoded())
        return receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }
    }

    /// True once the peer has closed.
    public func waitForEnd() -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = recv(descriptor, &byte, 1, 0)
            if count == 0 { return true }
            if count < 0 { return errno == ECONNRESET }
        }
    }
}

private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}

/// A daemon that answers as a test wants it to, one connection after another on a thread of its own.
public final class FakeDaemon: @unchecked Sendable {
    public enum Behaviour: Sendable {
        case answer(HookAnswer.Code, String)
        /// Accepts, reads, never answers.
        case silent
        /// Reads the frame and closes.
        case hangUp
        case garbage([UInt8])
        /// Reads nothing, says this and closes, as a socket that tells a state does.
        case telling([UInt8])
    }

    public let path: String
    private let listener: Int32
    private let received = Locked<[[UInt8]]>([])
    private let held = Locked<[Connection]>([])

    /// - Parameter more: Also takes a frame that comes behind the first answer, and answers nothing to it.
    public init(_ path: String, _ behaviour: Behaviour, more: Bool = false) {
        self.path = path
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        precondition(withAddress(path, { bind(listener, $0, $1) }) == 0 && listen(listener, 64) == 0, "cannot listen on \(path)")
        let (received, held) = (received, held)
        Thread.detachNewThread {
            while true {
                let socket = accept(listener, nil, nil)
                guard socket >= 0 else { return }
                let connection = Connection(descriptor: socket)
                if case .telling(let bytes) = behaviour {
                    connection.send(bytes)
                    continue
                }
                if let frame = connection.receiveFrame() { received.change { $0.append(frame) } }
                switch behaviour {
                case .answer(let code, let reason):
                    connection.send(HookAnswer(code: code, abi: 1, reason: Array(reason.utf8)).encoded())
                    if more, let frame = connection.receiveFrame() { received.change { $0.append(frame) } }
                case .silent: held.change { $0.append(connection) }
                case .hangUp, .telling: break
                case .garbage(let bytes): connection.send(bytes)
                }
            }
        }
    }

    /// The frames so far, decoded.
    public var messages: [HookMessage] { received.value.compactMap { try? HookMessage(decoding: $0[...]) } }

    /// The frames so far, as they came.
    public var frames: [[UInt8]] { received.value }

    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        unlink(path)
    }
}

/// A value behind a lock.
public final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    public init(_ value: Value) { stored = value }
    public var value: Value { lock.withLock { stored } }
    public func change(_ body: (inout Value) -> Void) { lock.withLock { body(&stored) } }
}
