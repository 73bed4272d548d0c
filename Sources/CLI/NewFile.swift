import Core
import Glibc

/// A file beside the place that it is meant for, under a name of its own until it is whole: two programs that write the same file at once do not disturb
/// each other.
///
/// The name begins with a dot and ends in `.new`, which no reader of `hooks.d` takes. While it is being written it is locked; what a killed program has left
/// is not, and is taken away by the next one.
struct NewFile: ~Copyable {
    let path: String
    private let lock: Int32

    /// Names that are tried, each one of 2^32.
    private static let attempts = 16

    init(for place: String) throws(PortcullisError) {
        let (directory, name) = PlacedFile.split(place)
        Self.removeLeftovers(directory, name)
        for _ in 0..<Self.attempts {
            let path = "\(directory)/.\(name).\(String(UInt32.random(in: 0...UInt32.max), radix: 16)).new"
            let descriptor = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw PortcullisError(.system, "writing \(path)", errno: errno) }
            var info = stat()
            let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0, error = errno
            // Before it was locked somebody may have taken it for what a killed one has left, and taken it away.
            if isLocked, fstat(descriptor, &info) == 0, info.st_nlink > 0 {
                self.path = path
                lock = descriptor
                return
            }
            if !isLocked, error != EWOULDBLOCK {
                unlink(path)
                close(descriptor)
                throw PortcullisError(.system, "locking \(path)", errno: error)
            }
            close(descriptor)
        }
        throw PortcullisError(.conflict, "writing \(place): \(Self.attempts) names beside it are taken")
    }

    deinit { close(lock) }

    /// Writes all of it, and has it on the disk.
    func fill(_ bytes: [UInt8], _ mode: mode_t) throws(PortcullisError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw PortcullisError(.system, "writing \(path)", errno: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PortcullisError(.system, "writing \(path)", errno: errno) }
            written += count
        }
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw PortcullisError(.system, "writing \(path)", errno: errno) }
    }

    private static func removeLeftovers(_ directory: String, _ name: String) {
        // What cannot be read is complained of when the file is made.
        guard let listing = opendir(directory) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let found = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard found.hasPrefix(".\(name)."), found.hasSuffix(".new") else { continue }
            let path = "\(directory)/\(found)", descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(descriptor)
        }
    }
}
