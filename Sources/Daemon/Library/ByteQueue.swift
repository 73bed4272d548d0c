/// Bytes that wait to be sent. What was sent goes in large pieces: to move what is left after each call would cost the more the slower the reader is.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// Sent bytes that are kept before the rest is moved.
    private static let slack = 256 << 10

    var count: Int { bytes.count - sent }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// Bytes of a number as they stand in memory.
    mutating func append(_ word: (UInt32, UInt8, UInt8)) {
        Swift.withUnsafeBytes(of: word.0) { bytes.append(contentsOf: $0) }
        bytes.append(word.1)
        bytes.append(word.2)
    }

    mutating func removeFirst(_ count: Int) {
        sent += count
        if sent == bytes.count {
            // Room for a burst is given back: most of the time nothing waits.
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.slack)
            sent = 0
        } else if sent > Self.slack, sent > bytes.count / 2 {
            bytes.removeFirst(sent)
            sent = 0
        }
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
    }

    static func += (queue: inout ByteQueue, more: [UInt8]) { queue.append(more) }
}
