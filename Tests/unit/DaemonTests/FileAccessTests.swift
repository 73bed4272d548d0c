import Foundation
import Testing
import TestSupport

@testable import Daemon

@Suite struct FileAccessTests {
    /// Limits below a chunk of reading, of exactly one, and above.
    @Test(arguments: [10, 65_536, 100_000], [-1, 0, 1, 200_000])
    func aFileIsReadWholeOrAsTooLong(_ limit: Int, _ beyond: Int) throws {
        let size = limit + beyond
        let scratch = try Scratch()
        let descriptor = open(try scratch.write("f", Data((0..<size).map { UInt8(truncatingIfNeeded: $0) })), O_RDONLY)
        defer { close(descriptor) }
        let bytes = try #require(FileAccess.read(descriptor, limit: limit))
        #expect(bytes == (0..<bytes.count).map { UInt8(truncatingIfNeeded: $0) } && (bytes.count > limit) == (size > limit))
        #expect(size > limit || bytes.count == size)
    }

    @Test func namesAreAllButTheDotsAndAFailureIsNoListing() throws {
        let scratch = try Scratch()
        for name in ["b", "a", ".hidden", "d/x"] { try scratch.write(name, "") }
        #expect(FileAccess.names(in: scratch.path)?.sorted() == [".hidden", "a", "b", "d"])
        #expect(FileAccess.names(in: scratch.path + "/a") == nil && errno == ENOTDIR)
        let directory = open(scratch.path, O_RDONLY)
        defer { close(directory) }
        #expect(FileAccess.read(directory, limit: 10) == nil && errno == EISDIR)
    }
}
