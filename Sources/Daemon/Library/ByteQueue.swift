/// Bytes that wait to be sent. What was sent goes in large pieces: to move what is left after each call would cost the more the slower the reader is.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var sent = 0
    /// Sent bytes that are kept before the rest is moved.
    private static let slack = 256 << 10
    /// What is kept of the memory of a burst: to take it from the kernel anew for each costs as much as filling it.
    private static let keptCapacity = 1 << 20

    var count: Int { bytes.count - sent }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// A record's header and its parts, all in one: a record of an event is short, and there may be a million in a second.
    mutating func append(_ header: (length: UInt32, version: UInt8, kind: UInt8), _ head: UnsafeRawBufferPointer, _ more: UnsafeRawBufferPointer) {
        let word = UInt64(header.length) | UInt64(header.version) << 32 | UInt64(header.kind) << 40
        Swift.withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[..<6])) }
        bytes.append(contentsOf: head)
        bytes.append(contentsOf: more)
    }

    mutating func removeFirst(_ count: Int) {
        sent += count
        if sent == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
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
