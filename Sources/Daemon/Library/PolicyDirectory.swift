import CLinux
import Core
import Glibc

/// The directory of policy files: read whole at the start, and again, file by file, when inotify says that something changed.
final class PolicyDirectory {
    /// Files that are read; more are reported and left out.
    static let fileLimit = 4096

    let path: String
    private var notifier: Int32 = -1
    private var watched: Int32 = -1
    /// What each file looked like when it was read.
    private var seen: [FileName: Stamp] = [:]
    /// Files left out because of `fileLimit`.
    private(set) var leftOut = 0
    /// Something is wrong with the directory itself, and was said.
    private var hasProblem = false

    private struct Stamp: Equatable {
        var inode: UInt
        var size: Int
        var seconds: Int
        var nanoseconds: Int
        /// Of owner and mode too, which decide whether the file is believed.
        var changed: Int = 0
        var changedNanoseconds: Int = 0
    }

    init(_ path: String) { self.path = path }

    func watch(_ poller: Poller) throws(PortcullisError) {
        notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard notifier >= 0 else { throw PortcullisError(.system, "creating a file watch", errno: errno) }
        try poller.add(notifier, PollToken(.policies))
        guard follow() else { throw PortcullisError(.system, "watching \(path)", errno: errno) }
    }

    /// Watches whatever directory has the path now; one that is watched already stays so.
    private func follow() -> Bool {
        let mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB
        let found = inotify_add_watch(notifier, path, UInt32(mask))
        // What had the path before is not the policy directory any more.
        if watched >= 0, found != watched { inotify_rm_watch(notifier, watched) }
        watched = found
        return found >= 0
    }

    /// Forgets the notices; the directory is compared with what was read.
    func clear() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(notifier, &buffer, buffer.count) > 0 {}
    }

    /// Has every file read again the next time: what was made of it depended on more than the file.
    func forget() { for file in seen.keys { seen[file] = Stamp(inode: 0, size: -1, seconds: 0, nanoseconds: 0) } }

    /// Files that are new, changed or gone (nil) since the last time, by path.
    func read() -> [(file: String, content: Result<[UInt8]?, PortcullisError>)] {
        var found: [(file: String, content: Result<[UInt8]?, PortcullisError>)] = []
        guard let names = list() else {
            hasProblem = true
            return [(path, .failure(PortcullisError(.configuration, "cannot be read", errno: errno)))]
        }
        // It may have come, or come back as another, since it was watched.
        if notifier >= 0, !follow(), errno != ENOENT {
            hasProblem = true
            found.append((path, .failure(PortcullisError(.system, "cannot be watched", errno: errno))))
        } else if hasProblem {
            hasProblem = false
            found.append((path, .success(nil)))
        }
        leftOut = max(names.count - Self.fileLimit, 0)
        var present: Set<FileName> = []
        for name in names.prefix(Self.fileLimit) {
            let file = path + "/" + name, key = FileName(file)
            present.insert(key)
            var info = stat()
            guard stat(file, &info) == 0 else {
                // Removed since the directory was read: it is gone, like one that was never listed.
                if errno == ENOENT {
                    present.remove(key)
                    continue
                }
                if seen[key] == nil { seen[key] = Stamp(inode: 0, size: -1, seconds: 0, nanoseconds: 0) }
                found.append((file, .failure(PortcullisError(.configuration, "cannot be read", errno: errno))))
                continue
            }
            let stamp = Stamp(inode: UInt(info.st_ino), size: Int(info.st_size), seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec,
                changed: info.st_ctim.tv_sec, changedNanoseconds: info.st_ctim.tv_nsec)
            guard seen[key] != stamp else { continue }
            seen[key] = stamp
            found.append((file, Self.content(file, info)))
        }
        for key in seen.keys.sorted() where !present.contains(key) {
            seen[key] = nil
            found.append((key.text, .success(nil)))
        }
        return found
    }

    /// Nil, with errno, if it cannot be told what is there: out of descriptors or of permission, or the directory is gone as a whole (moved,
    /// not mounted). Then nothing changes. One that never held a policy may be missing.
    private func list() -> [String]? {
        guard let names = FileAccess.names(in: path) else { return errno == ENOENT && seen.isEmpty ? [] : nil }
        return names.filter { ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) && !$0.hasPrefix(".") }.sorted()
    }

    /// A policy is what root says: a file that others could write is no policy.
    private static func content(_ file: String, _ info: stat) -> Result<[UInt8]?, PortcullisError> {
        guard info.st_mode & S_IFMT == S_IFREG else { return .failure(PortcullisError(.configuration, "is not a file")) }
        guard info.st_uid == 0 || info.st_uid == geteuid(), info.st_mode & 0o022 == 0 else {
            return .failure(PortcullisError(.configuration, "could be written by others than root, so it is not believed (chmod go-w)"))
        }
        guard info.st_size <= PolicyParser.fileLimit else {
            return .failure(PortcullisError(.configuration, "has \(info.st_size) bytes; the limit is \(PolicyParser.fileLimit)"))
        }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(PortcullisError(.configuration, "cannot be read", errno: errno)) }
        defer { close(descriptor) }
        guard let bytes = FileAccess.read(descriptor, limit: PolicyParser.fileLimit) else {
            return .failure(PortcullisError(.configuration, "cannot be read", errno: errno))
        }
        return .success(bytes)
    }
}
