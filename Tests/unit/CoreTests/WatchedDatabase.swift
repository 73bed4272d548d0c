@testable import Core

/// A database's file in memory that counts how much of it is read, and may change while it is.
final class WatchedDatabase: DatabaseBytes {
    var content: [UInt8]
    var reads = 0
    /// Whether no writer is at it.
    var settled = true
    /// Called after each reading, with where that was.
    var afterRead: (WatchedDatabase, UInt64) -> Void = { _, _ in }

    init(_ content: [UInt8]) { self.content = content }

    func bytes(at offset: UInt64, count: Int) -> [UInt8] {
        reads += 1
        defer { afterRead(self, offset) }
        return DatabaseArray(content).bytes(at: offset, count: count)
    }

    func settles() -> Bool { settled }
}
