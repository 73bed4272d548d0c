import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// One request to the daemon and its one answer, within the deadline.
///
/// The connection is made before there is anything to say: the daemon wakes up, looks at its peer and is ready for the frame
/// while the hook still reads the bundle. Waking an idle processor takes longer than all that the hook computes.
struct Exchange: ~Copyable {
    /// How the conversation ended.
    enum Outcome {
        case answered(HookAnswer)
        /// The daemon could not be reached or did not answer; the errno says how.
        case noAnswer(Int32)
        /// What came back was no answer of this protocol.
        case garbage
    }

    private let descriptor: Int32
    private let deadline: Int64

    /// Connects, or notes why not: what cannot be sent is kept in the spool, so the frame is made all the same.
    init(socket: [UInt8], deadline: Int64) {
        let path = Path(socket)
        self.deadline = deadline
        descriptor = path.withCString { pch_connect($0, path.bytes.count, deadline) }
    }

    /// Sends `frame` and waits for nothing: what becomes of the container is decided already.
    func tell(_ frame: [UInt8]) {
        guard descriptor >= 0 else { return }
        _ = frame.withUnsafeBytes { pch_send_all(descriptor, $0.baseAddress, $0.count, deadline) }
    }

    deinit { if descriptor >= 0 { _ = pch_close(descriptor) } }

    /// Sends `frame` and waits for the answer. Nothing is retried: the runtime holds a container while the hook runs.
    func perform(_ frame: [UInt8]) -> Outcome {
        guard descriptor >= 0 else { return .noAnswer(-descriptor) }
        let sent = frame.withUnsafeBytes { pch_send_all(descriptor, $0.baseAddress, $0.count, deadline) }
        // A daemon that refuses the peer answers and closes before the frame is read: its words are worth more than EPIPE.
        if sent < 0, sent != -Int64(pch_errno_closed()) { return .noAnswer(Int32(-sent)) }
        pch_linger(descriptor)
        return receive()
    }

    private func receive() -> Outcome {
        let limit = Frame.lengthBytes + Frame.headerBytes + 6 + HookAnswer.reasonLimit
        var received: [UInt8] = []
        while true {
            var count: Int64 = 0
            let part = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
                count = pch_read(descriptor, buffer.baseAddress, buffer.count, deadline, 1)
                filled = Int(max(count, 0))
            }
            if count < 0 { return .noAnswer(Int32(-count)) }
            if count == 0 { return .noAnswer(pch_errno_closed()) }
            received.append(contentsOf: part)
            guard received.count >= Frame.lengthBytes else { continue }
            var length = 0
            for index in 0..<Frame.lengthBytes { length |= Int(received[index]) << (index * 8) }
            guard length <= limit else { return .garbage }
            guard received.count >= Frame.lengthBytes + length else { continue }
            let body = received[Frame.lengthBytes..<(Frame.lengthBytes + length)]
            guard let answer = try? HookAnswer(decoding: body) else { return .garbage }
            return .answered(answer)
        }
    }
}
