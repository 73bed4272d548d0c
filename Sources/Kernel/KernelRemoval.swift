import CLibBPF
import CLinux
import Core
import Glibc

extension KernelPrograms {
    /// How often, and with how many milliseconds between, the lock of a daemon that is just ending is tried.
    private static let attempts = (count: 100, pause: 50)

    /// Takes everything out of the kernel that daemons have pinned in a directory: policies first, so that no program whose judge goes is asked, then the
    /// programs, then the maps with labels and identities.
    ///
    /// - Returns: Pins that were removed.
    /// - Throws: `.conflict` if a daemon works with them; `.kernel` if something stays.
    public static func remove(directory: String) throws(PortcullisError) -> Int {
        guard access(directory, F_OK) == 0 else { throw PortcullisError(.kernel, "there is nothing to remove: \(directory)", errno: errno) }
        try waitForLock(directory)
        try stopGuarding(directory)
        if let capacity = mapEntries("\(directory)/slots") { try EnforcementPrograms.detachAll(directory: directory, capacity: capacity) }
        let names = try names(in: directory)
        // Links before maps: what runs to its end meanwhile still finds what it works with.
        for name in names.sorted(by: { ($0.hasPrefix("link_") ? 0 : 1, $0) < ($1.hasPrefix("link_") ? 0 : 1, $1) }) {
            guard unlink("\(directory)/\(name)") == 0 || errno == ENOENT else {
                throw PortcullisError(.kernel, "removing \(directory)/\(name)", errno: errno)
            }
        }
        guard rmdir(directory) == 0 else { throw PortcullisError(.kernel, "removing \(directory)", errno: errno) }
        return names.count
    }

    private static func waitForLock(_ directory: String) throws(PortcullisError) {
        for attempt in 1...attempts.count {
            do { return try BPFFileSystem.lock(directory) } catch {
                guard error.code == .conflict, attempt < attempts.count else { throw error }
                usleep(UInt32(attempts.pause * 1000))
            }
        }
    }

    private static func mapEntries(_ path: String) -> Int? {
        let descriptor = bpf_obj_get(path)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
        return Int(info.max_entries)
    }

    private static func names(in directory: String) throws(PortcullisError) -> [String] {
        guard let stream = opendir(directory) else { throw PortcullisError(.kernel, "reading \(directory)", errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
