import Core
import Glibc
import HookWire

/// Files and directories that are believed because nobody but root could have written them.
enum RootOwnedFile {
    /// A regular file, opened to be read, and its size.
    ///
    /// - Throws: `.system` with the errno; `.peer` if others than root own it or may write it.
    static func opened(_ path: String) throws(PortcullisError) -> (descriptor: Int32, size: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        do throws(PortcullisError) {
            var info = stat()
            guard fstat(descriptor, &info) == 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
            guard info.st_mode & S_IFMT == S_IFREG else { throw PortcullisError(.peer, "\(path) is not a regular file") }
            guard info.st_uid == 0, info.st_mode & 0o022 == 0 else {
                throw PortcullisError(.peer, "\(path) is not believed: others than root may write it")
            }
            return (descriptor, Int(info.st_size))
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Checks that nobody but root can change a file or put another one in its place: by what is written in its path, and by where links in that lead.
    ///
    /// - Throws: `.system` with the errno, ENOENT if it is not there; `.peer` if others than root own it or a directory above it, or may write there.
    static func checkPath(_ path: String) throws(PortcullisError) {
        guard let real = realpath(path, nil) else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        defer { free(real) }
        for name in Set([path, String(cString: real)]) {
            var part = name[...]
            while true {
                let place = part.isEmpty ? "/" : String(part)
                var info = stat()
                guard lstat(place, &info) == 0 else { throw PortcullisError(.system, "reading \(place)", errno: errno) }
                // In one like /tmp only a file's owner takes it away. Nobody writes to a link.
                let isOpen = info.st_mode & S_IFMT != S_IFLNK && info.st_mode & 0o022 != 0 && info.st_mode & S_ISVTX == 0
                guard info.st_uid == 0, !isOpen else { throw PortcullisError(.peer, "\(name) is not believed: others than root may write \(place)") }
                guard let slash = part.lastIndex(of: "/") else { break }
                part = part[..<slash]
            }
        }
    }

    /// All of a regular file.
    ///
    /// - Throws: `.system` with the errno; `.peer` if others than root own it or may write it, or it is larger than `limit` bytes.
    static func read(_ path: String, limit: Int = JSONLimits.documentBytes) throws(PortcullisError) -> [UInt8] {
        let (descriptor, size) = try opened(path)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(size, limit) + 1)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
        throw PortcullisError(.peer, "\(path) has more than \(limit) bytes")
    }

    /// A process id that stands alone in a file; nil if there is none, or nothing that is believed.
    static func pid(_ path: String) -> UInt32? {
        guard let bytes = try? read(path, limit: 64), let number = ProcessText.number(in: bytes, at: 0), number > 0, number <= UInt64(Int32.max) else { return nil }
        return UInt32(number)
    }

    /// The names in a directory that is root's alone to write; empty if it is not there.
    static func names(in directory: String) throws(PortcullisError) -> [String] {
        var info = stat()
        guard stat(directory, &info) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw PortcullisError(.system, "reading \(directory)", errno: errno)
        }
        guard info.st_mode & S_IFMT == S_IFDIR else { throw PortcullisError(.peer, "\(directory) is not a directory") }
        guard info.st_uid == 0, info.st_mode & 0o022 == 0 else {
            throw PortcullisError(.peer, "\(directory) is not believed: others than root may write it")
        }
        guard let stream = opendir(directory) else { throw PortcullisError(.system, "reading \(directory)", errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw PortcullisError(.system, "reading \(directory)", errno: errno) }
                return names
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
