#if Feed
import CLinux
import Client
import Core
import Glibc
import Synchronization

/// A connection to the daemon over which records come, made again whenever it breaks. It has a thread of its own, which waits in recv(2).
final class RecordLink: Sendable {
    enum Arrival {
        /// What one reading brought, in order. The bytes are gone when the handler returns.
        case records([FeedRecord])
        /// Nothing, until the time that the handler asked for.
        case time
        /// The connection's end.
        case end
    }

    /// Returns when it is to be called though nothing comes, on the clock that counts from the boot; nil: never.
    typealias Handler = @Sendable (Arrival) -> UInt64?

    enum News: Sendable {
        case connected
        /// It was there, and broke: what the daemon had still to tell is lost.
        case interrupted
        case gone(String)
    }

    /// Bytes read at one time, and the largest record that is believed: twice what the kernel can write.
    private static let bufferBytes = 1 << 20
    private static let recordLimit = 256 << 10
    /// Nanoseconds between two readings where one follows on another: what comes meanwhile is taken together.
    private static let interval: UInt64 = 2_000_000
    /// Nanoseconds between two tries to connect; doubled each time.
    private static let shortestPause: UInt64 = 50_000_000
    private static let longestPause: UInt64 = 2_000_000_000

    private let socket: String
    private let command: ControlProtocol.Command
    private let handler: Handler
    private let news: @Sendable (News) -> Void
    private let state = Mutex(State())

    private struct State {
        var readers = 0
        var isRunning = false
        var descriptor: Int32 = -1
        /// The daemon has answered.
        var isConnected = false
        /// The connection that there is was ended here, for want of readers.
        var isClosed = false
    }

    var isConnected: Bool { state.withLock { $0.isConnected } }

    init(_ socket: String, _ command: ControlProtocol.Command, news: @escaping @Sendable (News) -> Void, handler: @escaping Handler) {
        (self.socket, self.command, self.news, self.handler) = (socket, command, news, handler)
    }

    /// One more reader: the daemon is asked only while there is one.
    func open() {
        state.withLock { $0.readers += 1 }
        start()
    }

    /// Makes the thread, unless there is one or nobody reads. Where none can be made it is tried again: somebody waits for what it would read.
    private func start() {
        let starts = state.withLock { state in
            guard !state.isRunning, state.readers > 0 else { return false }
            state.isRunning = true
            return true
        }
        guard starts else { return }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        guard pthread_create(&thread, nil, RecordLink.threadMain, context) == 0 else {
            Unmanaged<RecordLink>.fromOpaque(context).release()
            state.withLock { $0.isRunning = false }
            news(.gone("no thread could be made to read from the daemon"))
            Task {
                try? await Task.sleep(nanoseconds: Self.longestPause)
                start()
            }
            return
        }
        pthread_detach(thread)
    }

    private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        if let context { Unmanaged<RecordLink>.fromOpaque(context).takeRetainedValue().run() }
        return nil
    }

    func close() {
        state.withLock { state in
            state.readers -= 1
            guard state.readers == 0 else { return }
            // Who comes next has to wait for another connection.
            state.isConnected = false
            state.isClosed = true
            if state.descriptor >= 0 { shutdown(state.descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Ends the thread, under the lock, once nobody reads.
    private func isOver() -> Bool {
        state.withLock { state in
            guard state.readers == 0 else { return false }
            state.isRunning = false
            return true
        }
    }

    private func run() {
        var pause = Self.shortestPause
        while !isOver() {
            var wasThere = false
            let problem = converse {
                wasThere = true
                pause = Self.shortestPause
            }
            if isOver() { return }
            // Somebody has come meanwhile, and waits.
            if state.withLock({ state in defer { state.isClosed = false }; return state.isClosed }) { continue }
            if wasThere { news(.interrupted) }
            news(.gone(problem))
            var time = timespec(tv_sec: Int(pause / 1_000_000_000), tv_nsec: Int(pause % 1_000_000_000))
            nanosleep(&time, nil)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// Reads until the connection ends; why it did.
    private func converse(_ connected: () -> Void) -> String {
        let descriptor = pcl_unix_connect(socket)
        guard descriptor >= 0 else { return "cannot reach the daemon at \(socket): \(SystemErrorText.text(-descriptor))" }
        let isWanted = state.withLock { state in
            state.descriptor = descriptor
            // What was ended here was an earlier one: if this breaks, it is to be told.
            state.isClosed = false
            return state.readers > 0
        }
        defer {
            state.withLock { ($0.descriptor, $0.isConnected) = (-1, false) }
            Glibc.close(descriptor)
        }
        guard isWanted else { return "" }
        let request = ControlProtocol.request(command, "")
        guard request.withUnsafeBytes({ send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == request.count else {
            return "asking the daemon: \(SystemErrorText.text(errno))"
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        var filled = 0
        var records: [FeedRecord] = []
        var isFirst = true
        var last: UInt64 = 0
        var deadline: UInt64?
        defer { _ = handler(.end) }
        while true {
            if let time = deadline, !Self.hasMore(descriptor, before: time) {
                deadline = handler(.time)
                continue
            }
            let now = Node.now
            if now &- last < Self.interval {
                var time = timespec(tv_sec: 0, tv_nsec: Int(Self.interval))
                nanosleep(&time, nil)
            }
            let count = recv(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return "reading from the daemon: \(SystemErrorText.text(errno))" }
            guard count > 0 else { return "the daemon closed the connection" }
            filled += count
            last = Node.now
            records.removeAll(keepingCapacity: true)
            var at = 0
            var problem: String?
            while problem == nil, filled - at >= 4 {
                let length = Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
                guard length >= 2, length <= Self.recordLimit else {
                    problem = "the daemon sent a record of \(length) bytes"
                    break
                }
                guard filled - at >= 4 + length else { break }
                let body = UnsafeRawBufferPointer(rebasing: buffer[(at + 4)..<(at + 4 + length)])
                at += 4 + length
                switch Self.record(body) {
                case .success(let record): records.append(record)
                case .failure(let refusal): problem = refusal.text
                }
            }
            if !records.isEmpty { deadline = handler(.records(records)) }
            if isFirst, !records.isEmpty {
                isFirst = false
                // Behind the handler, which now knows who the daemon is.
                state.withLock { $0.isConnected = $0.readers > 0 }
                connected()
                news(.connected)
            }
            if let problem { return problem }
            if at > 0 {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[at..<filled]))
                filled -= at
            }
        }
    }

    /// Waits for something to read, or the connection's end; false if the time comes first.
    private static func hasMore(_ descriptor: Int32, before time: UInt64) -> Bool {
        let left = time - min(time, LocalNode.sinceBoot)
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, Int32(clamping: (left + 999_999) / 1_000_000)) > 0
    }

    private struct Refusal: Error { let text: String }

    private static func record(_ body: UnsafeRawBufferPointer) -> Result<FeedRecord, Refusal> {
        guard body[0] == ControlProtocol.version else { return .failure(Refusal(text: "the daemon speaks another version of the control protocol")) }
        let text = UnsafeRawBufferPointer(rebasing: body[2...])
        if body[1] == ControlProtocol.Kind.failed.rawValue { return .failure(Refusal(text: "the daemon refused: \(String(decoding: text, as: UTF8.self))")) }
        guard body[1] == ControlProtocol.Kind.record.rawValue, let record = FeedRecord(text) else { return .failure(Refusal(text: "the daemon sent what is no record")) }
        if case .sender(let sender) = record, sender.abi != abiVersion {
            return .failure(Refusal(text: "the daemon has ABI version \(sender.abi), and this program \(abiVersion)"))
        }
        return .success(record)
    }
}
#endif
