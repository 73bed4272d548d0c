import Core
import Glibc

/// Files that others read while they are put in place: whole or not at all, and only where nobody but root decides what is there.
enum PlacedFile {
    /// Looks at a directory, or where it would be made, and changes nothing.
    ///
    /// - Parameter root: Where the path has to stay, symbolic links followed.
    /// - Returns: What is missing, the last part first.
    /// - Throws: `.peer` if others than root could change what is in it, or its place.
    @discardableResult
    static func examine(_ directory: String, within root: String) throws(PortcullisError) -> [String] {
        var existing = directory, missing: [String] = []
        while access(existing, F_OK) != 0, errno == ENOENT, let slash = existing.lastIndex(of: "/"), existing != "/" {
            missing.append(existing)
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
        try believe(existing, within: root)
        return missing
    }

    /// Makes a directory and what is missing above it, each for everybody to read; throws as `examine` does.
    static func prepare(_ directory: String, within root: String) throws(PortcullisError) {
        let missing = try examine(directory, within: root)
        for path in missing.reversed() {
            guard mkdir(path, 0o755) == 0 else {
                // Somebody else's now, and looked at below.
                if errno == EEXIST { continue }
                throw PortcullisError(.system, "making \(path)", errno: errno)
            }
            // Whatever the umask: CRI-O and podman may read it as somebody else.
            guard chmod(path, 0o755) == 0 else { throw PortcullisError(.system, "making \(path)", errno: errno) }
        }
        try believe(directory, within: root)
    }

    /// Whoever may write a directory on the way could put another one in its place. In a sticky one, like /tmp, only what is one's own can be exchanged.
    private static func believe(_ directory: String, within root: String) throws(PortcullisError) {
        let real = try realPath(directory), realRoot = try realPath(root)
        guard realRoot == "/" || real == realRoot || real.hasPrefix(realRoot + "/") else { throw PortcullisError(.peer, "\(directory) leads out of \(root), to \(real)") }
        for path in Set([directory, real]) {
            var part = path
            while true {
                var info = stat()
                guard stat(part, &info) == 0 else { throw PortcullisError(.system, "looking at \(part)", errno: errno) }
                guard info.st_mode & S_IFMT == S_IFDIR else { throw PortcullisError(.peer, "\(part) is not a directory") }
                guard info.st_uid == 0 else { throw PortcullisError(.peer, "\(part) is not root's") }
                guard info.st_mode & 0o022 == 0 || (part != path && info.st_mode & S_ISVTX != 0) else {
                    throw PortcullisError(.peer, "\(part) may be written by others than root")
                }
                guard part != "/", let slash = part.lastIndex(of: "/") else { break }
                part = slash == part.startIndex ? "/" : String(part[..<slash])
            }
        }
    }

    static func realPath(_ path: String) throws(PortcullisError) -> String {
        guard let resolved = realpath(path, nil) else { throw PortcullisError(.system, "looking at \(path)", errno: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// All of a regular file; nil if there is none.
    ///
    /// - Parameter isOurs: It is to be a file that this program has put there: no symbolic link, root's, and for nobody else to write.
    static func read(_ path: String, limit: Int, isOurs: Bool = false) throws(PortcullisError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (isOurs ? O_NOFOLLOW : 0))
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            if isOurs, errno == ELOOP { throw PortcullisError(.peer, "\(path) is a symbolic link, and stays") }
            throw PortcullisError(.system, "reading \(path)", errno: errno)
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw PortcullisError(.peer, "\(path) is not a regular file") }
        guard !isOurs || info.st_uid == 0 else { throw PortcullisError(.peer, "\(path) is not root's, and stays") }
        guard !isOurs || info.st_mode & 0o022 == 0 else { throw PortcullisError(.peer, "\(path) may be written by others than root, and stays") }
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
        throw PortcullisError(.peer, "\(path) has more than \(limit) bytes")
    }

    /// Whether it is a file, no link, that root alone may write.
    static func isRoots(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && info.st_uid == 0 && info.st_mode & 0o022 == 0
    }

    /// Puts a file in place in one step. What reads the directory meanwhile sees the old one or the new one.
    ///
    /// - Parameter check: Asked with the new file's path before it counts.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t, check: (String) throws(PortcullisError) -> Void = { _ in }) throws(PortcullisError) {
        let new = try NewFile(for: path)
        do throws(PortcullisError) {
            try new.fill(bytes, mode)
            try check(new.path)
            guard rename(new.path, path) == 0 else { throw PortcullisError(.system, "putting \(path) in place", errno: errno) }
        } catch {
            unlink(new.path)
            throw error
        }
        try sync(split(path).directory)
    }

    /// - Returns: False if there was none.
    @discardableResult
    static func remove(_ path: String) throws(PortcullisError) -> Bool {
        guard unlink(path) == 0 else {
            if errno == ENOENT { return false }
            throw PortcullisError(.system, "removing \(path)", errno: errno)
        }
        try sync(split(path).directory)
        return true
    }

    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// So that the next file is not on the disk without this one.
    private static func sync(_ directory: String) throws(PortcullisError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.system, "writing \(directory)", errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw PortcullisError(.system, "writing \(directory)", errno: errno) }
    }
}
