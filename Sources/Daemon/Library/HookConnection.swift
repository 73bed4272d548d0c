import CLinux
import Glibc
import HookWire

/// One connection on the hook socket: bytes until a frame is whole.
struct HookConnection {
    let socket: Int32
    /// When the peer has been silent for too long, on the monotonic clock.
    var deadline: UInt64
    var received: [UInt8] = []
    let accepted: UInt64
    /// Whether the loop hears of it.
    var isWatched = false
    /// Between the marks of a scan.
    var isReplaying = false
    /// The frame at the front is a remove that waits; 0 if not. The number tells it from later ones on the same descriptor.
    var heldAs: UInt64 = 0
    /// When that came, on the monotonic clock.
    var heldSince: UInt64 = 0
    /// Frames answered so far.
    var frames = 0

    init(socket: Int32, now: UInt64, patience: UInt64) {
        self.socket = socket
        accepted = now
        deadline = now + patience
    }

    /// How reading ended.
    enum Reading {
        case later
        case closed
    }

    /// Takes what has come. At most one frame and one read beyond it are held.
    mutating func read(into buffer: inout [UInt8]) -> Reading {
        while received.count <= Frame.bodyLimit + Frame.lengthBytes {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 { return .closed }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN ? .later : .closed
            }
            received.append(contentsOf: buffer[..<count])
            // A short read has emptied the socket; another call would only say so.
            if count < buffer.count { return .later }
        }
        return .later
    }

    /// What stands at the front of the received bytes.
    enum Front {
        case incomplete
        case tooLong(Int)
        /// The body's place in `received`.
        case frame(Range<Int>)
    }

    var front: Front {
        guard received.count >= Frame.lengthBytes else { return .incomplete }
        var length = 0
        for index in 0..<Frame.lengthBytes { length |= Int(received[index]) << (index * 8) }
        guard length <= Frame.bodyLimit else { return .tooLong(length) }
        guard received.count >= Frame.lengthBytes + length else { return .incomplete }
        return .frame(Frame.lengthBytes..<(Frame.lengthBytes + length))
    }

    /// Sends an answer; false if the peer is gone, or has read so few of its answers that its buffer is full. Nothing is queued
    /// for such a peer: a hook waits for each answer.
    func send(_ answer: [UInt8]) -> Bool {
        while true {
            let count = answer.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EINTR { continue }
            return count == answer.count
        }
    }
}
