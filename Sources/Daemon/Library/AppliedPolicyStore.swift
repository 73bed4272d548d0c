import CLinux
import Core
import Glibc

/// The directory of applied policies: one file each, `NAMESPACE/NAME`, replaced whole or not at all.
///
/// A name may be as long as a file's name can be, so the namespace is a directory and not a part of it. Neither half of an identity
/// begins with a dot: what does is a file on its way.
struct AppliedPolicyStore {
    /// Beyond so many files at once one flush of the file system takes less time than one of each file.
    private static let flushLimit = 8

    let path: String

    /// Everything stored, by identity, and an entry for each file that cannot be read. Leftovers of a daemon that died are removed.
    ///
    /// - Throws: If the directory itself is not to be believed, or cannot be read: its policies would silently be gone.
    func read() throws(PortcullisError) -> [StoredPolicy] {
        guard access(path, F_OK) == 0 else { return [] }
        try RuntimeDirectory.prepare(for: path + "/file")
        var stored: [StoredPolicy] = []
        for namespace in try Self.names(in: path) {
            let directory = path + "/" + namespace
            guard !namespace.hasPrefix(".") else {
                unlink(directory)
                continue
            }
            var info = stat()
            guard lstat(directory, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
                let error = PortcullisError(.configuration, "is not ours: applied policies are in directories named after namespaces")
                stored.append(StoredPolicy(identity: namespace, file: directory, content: .failure(error)))
                continue
            }
            for name in try Self.names(in: directory) where !name.hasPrefix(".") {
                let file = directory + "/" + name
                stored.append(StoredPolicy(identity: namespace + "/" + name, file: file, content: Self.content(file)))
            }
        }
        return stored.sorted { $0.identity < $1.identity }
    }

    /// Stores and deletes. When it returns, all of it will be there after a loss of power; if it throws before the first file is in
    /// place, nothing has changed.
    func carryOut(_ writes: [PolicyApplication.Write]) throws(PortcullisError) {
        try RuntimeDirectory.prepare(for: path + "/file")
        var pending: [(temporary: String, identity: String)] = []
        defer { for entry in pending { unlink(entry.temporary) } }
        let flushesEach = writes.count <= Self.flushLimit
        for write in writes {
            guard let text = write.text else { continue }
            let temporary = "\(path)/.new-\(pending.count)"
            pending.append((temporary, write.identity))
            try Self.write(text, to: temporary, flush: flushesEach)
        }
        if !flushesEach { try Self.flush(path, everything: true) }
        var directories: Set<String> = []
        for entry in pending {
            let directory = path + "/" + Self.namespace(of: entry.identity)
            if mkdir(directory, 0o700) != 0, errno != EEXIST { throw PortcullisError(.system, "creating \(directory)", errno: errno) }
            guard rename(entry.temporary, path + "/" + entry.identity) == 0 else {
                throw PortcullisError(.system, "storing the policy \(entry.identity)", errno: errno)
            }
            directories.insert(directory)
        }
        for write in writes where write.text == nil {
            guard unlink(path + "/" + write.identity) == 0 || errno == ENOENT else {
                throw PortcullisError(.system, "deleting the stored policy \(write.identity)", errno: errno)
            }
            directories.insert(path + "/" + Self.namespace(of: write.identity))
        }
        for directory in directories.sorted() {
            // Stays if there is more in it.
            if rmdir(directory) != 0 { try Self.flush(directory, everything: false) }
        }
        try Self.flush(path, everything: false)
    }

    private static func namespace(of identity: String) -> Substring { identity.prefix { $0 != "/" } }

    private static func names(in directory: String) throws(PortcullisError) -> [String] {
        guard let names = FileAccess.names(in: directory) else { throw PortcullisError(.system, "reading \(directory)", errno: errno) }
        return names
    }

    private static func content(_ file: String) -> Result<[UInt8], PortcullisError> {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(PortcullisError(.configuration, "cannot be read", errno: errno)) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size <= PolicyParser.fileLimit else {
            return .failure(PortcullisError(.configuration, "is not a file of at most \(PolicyParser.fileLimit) bytes"))
        }
        guard let bytes = FileAccess.read(descriptor, limit: PolicyParser.fileLimit) else {
            return .failure(PortcullisError(.configuration, "cannot be read", errno: errno))
        }
        return .success(bytes)
    }

    private static func write(_ text: [UInt8], to file: String, flush: Bool) throws(PortcullisError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw PortcullisError(.system, "creating \(file)", errno: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < text.count {
            let count = text.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
            guard count > 0 || errno == EINTR else { throw PortcullisError(.system, "writing \(file)", errno: errno) }
            written += max(count, 0)
        }
        guard !flush || fsync(descriptor) == 0 else { throw PortcullisError(.system, "writing \(file)", errno: errno) }
    }

    private static func flush(_ directory: String, everything: Bool) throws(PortcullisError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening \(directory)", errno: errno) }
        defer { close(descriptor) }
        let result = everything ? pcl_sync_file_system(descriptor) : fsync(descriptor) == 0 ? 0 : -errno
        guard result == 0 else { throw PortcullisError(.system, "writing \(directory)", errno: -result) }
    }
}
