import Core
import Glibc

/// A database of another program's, opened to be read and never locked.
final class DatabaseFile: DatabaseBytes {
    /// Milliseconds that a writer is waited for, while a hook waits as well.
    static let patience = 20

    private let path: String
    private let descriptor: Int32
    private var patience = DatabaseFile.patience

    /// - Throws: `.system` with the errno, ENOENT if it is not there; `.peer` if it or a directory above it is not root's alone to write.
    init(_ path: String) throws(PortcullisError) {
        self.path = path
        try RootOwnedFile.checkPath(path)
        descriptor = try RootOwnedFile.opened(path).descriptor
    }

    deinit { close(descriptor) }

    func bytes(at offset: UInt64, count: Int) throws(PortcullisError) -> [UInt8] {
        guard let start = off_t(exactly: offset), lseek(descriptor, start, SEEK_SET) >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        var bytes = [UInt8](repeating: 0, count: count), filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + filled }, count - filled) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
            if got == 0 { break }
            filled += got
        }
        bytes.removeSubrange(filled...)
        return bytes
    }

    func settles() -> Bool {
        while access("\(path)-journal", F_OK) == 0 {
            guard patience > 0 else { return false }
            patience -= 1
            usleep(1000)
        }
        return true
    }
}
