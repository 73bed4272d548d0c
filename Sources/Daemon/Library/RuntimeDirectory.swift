import CLinux
import Core
import Glibc

/// The directory of a socket: root's alone, so that nobody else can put a socket there or reach ours.
enum RuntimeDirectory {
    /// Makes the directory of `path` exist with mode 0700.
    ///
    /// - Throws: `.conflict` if what is there is another's or open to others: it is not changed, since it is not ours.
    static func prepare(for path: String) throws(PortcullisError) {
        let directory = parent(of: path)
        var partial = ""
        for part in directory.split(separator: "/") {
            partial += "/" + part
            let isLast = partial == directory
            guard mkdir(partial, isLast ? 0o700 : 0o755) == 0 || errno == EEXIST else {
                throw PortcullisError(.system, "creating \(partial)", errno: errno)
            }
        }
        var info = stat()
        guard lstat(directory, &info) == 0 else { throw PortcullisError(.system, "reading \(directory)", errno: errno) }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw PortcullisError(
                .conflict, "\(directory) is not a directory of ours alone; it must belong to uid \(geteuid()) with mode 0700")
        }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// Holds the right to be the one daemon behind `socket` until the process ends.
    static func lock(for socket: String) throws(PortcullisError) {
        let path = socket + ".lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening \(path)", errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            guard error == EWOULDBLOCK else { throw PortcullisError(.system, "locking \(path)", errno: error) }
            throw PortcullisError(.conflict, "another portcullisd serves \(socket) (it holds \(path))")
        }
    }

    /// Listens on a UNIX socket. What an earlier daemon left there is replaced; the lock says that nobody is behind it.
    static func listen(_ path: String) throws(PortcullisError) -> Int32 {
        guard unlink(path) == 0 || errno == ENOENT else { throw PortcullisError(.system, "removing the old \(path)", errno: errno) }
        let descriptor = pcl_unix_listen(path, 4096)
        guard descriptor >= 0 else { throw PortcullisError(.system, "listening on \(path)", errno: -descriptor) }
        return descriptor
    }
}
