#if Feed
import Core
import Glibc

/// A file of JSON lines that is renamed to `.1` when it has grown to its size, `.1` to `.2`, and so on. Written by one thread.
final class JSONFile {
    private let path: String
    private let limit: Int
    private let kept: Int
    private var descriptor: Int32 = -1
    private var size = 0
    private var nextRotation: Int
    /// Nanoseconds between two tries to open it, and when the next may be.
    private static let pause: UInt64 = 200_000_000
    private var nextTry: UInt64 = 0
    /// The last thing that went wrong; empty once a line could be written again.
    private(set) var problem = ""

    /// - Parameters:
    ///   - limit: Bytes from which on another file is begun.
    ///   - kept: Files beside the one that is written.
    init(_ path: String, limit: Int, kept: Int) { (self.path, self.limit, self.kept, nextRotation) = (path, limit, kept, limit) }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends whole lines, in one write(2) where the file system takes it. False: nothing, or not all, could be written, and `problem` says why.
    func append(_ lines: [UInt8]) -> Bool {
        do throws(PortcullisError) {
            if descriptor < 0 {
                // Where the host's files are reported, each try is an event, which is another line.
                guard Node.monotonic >= nextTry else { return false }
                nextTry = Node.monotonic + Self.pause
                try open()
            }
            var written = 0
            while written < lines.count {
                let count = lines.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    let error = errno
                    // A line that is there by half would be read as another.
                    if written > 0 { ftruncate(descriptor, off_t(size)) }
                    throw PortcullisError(.system, "writing \(path)", errno: error)
                }
                written += count
            }
            size += written
            problem = ""
            if size >= nextRotation { rotateOrGoOn() }
            return true
        } catch {
            problem = error.description
            return false
        }
    }

    /// The lines are written, whatever comes of the renaming: a file that cannot be renamed goes on, and is tried again when it has grown by as much.
    private func rotateOrGoOn() {
        do throws(PortcullisError) { try rotate() } catch {
            problem = error.description
            nextRotation = size + limit
        }
    }

    private func open() throws(PortcullisError) {
        descriptor = Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening \(path)", errno: errno) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        size = Int(info.st_size)
        nextRotation = limit
        // What was killed in the middle of a line must not have another begin there.
        var last: UInt8 = 10
        if size > 0, pread(descriptor, &last, 1, off_t(size - 1)) == 1, last != 10, Glibc.write(descriptor, [10], 1) == 1 { size += 1 }
    }

    private func rotate() throws(PortcullisError) {
        guard kept > 0 else {
            guard truncate(path, 0) == 0 else { throw PortcullisError(.system, "emptying \(path)", errno: errno) }
            size = 0
            return
        }
        for number in stride(from: kept, to: 0, by: -1) {
            let from = number == 1 ? path : "\(path).\(number - 1)"
            guard rename(from, "\(path).\(number)") == 0 || errno == ENOENT else { throw PortcullisError(.system, "renaming \(from)", errno: errno) }
        }
        close(descriptor)
        descriptor = -1
        try open()
    }
}
#endif
