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
        // An earlier version's, of which a daemon has not let go yet, judges too.
        let former = try FormerPins.find(beside: directory)
        let isThere = access(directory, F_OK) == 0
        guard isThere || former != nil else { throw PortcullisError(.kernel, "there is nothing to remove: \(directory)", errno: ENOENT) }
        var count = 0
        if isThere {
            try waitForLock(directory)
            try stopGuarding(directory)
            if let capacity = mapEntries("\(directory)/slots") { try EnforcementPrograms.detachAll(directory: directory, capacity: capacity) }
            count += try PinDirectory.remove(directory)
        }
        if let former {
            try waitForLock(former.directory)
            try former.stopGuarding()
            count += try former.remove()
        }
        return count
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
}
