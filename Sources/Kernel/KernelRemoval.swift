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
        let isThere = access(directory, F_OK) == 0
        if isThere { try waitForLock(directory) }
        // Locked first: a daemon that is just ending may be letting an earlier version go.
        let earlier = try FormerPins.earlier(beside: directory)
        guard isThere || !earlier.isEmpty else { throw PortcullisError(.kernel, "there is nothing to remove: \(directory)", errno: ENOENT) }
        if let version = try FormerPins.version(in: directory), version > abiVersion {
            throw PortcullisError(.conflict, "\(directory) holds what a later version has pinned (ABI \(version), this program has \(abiVersion)): have that one remove it")
        }
        var count = 0
        for path in (isThere ? [directory] : []) + earlier.map(\.path) {
            if path != directory { try waitForLock(path) }
            try stopGuarding(path)
            count += try PinDirectory.remove(path)
        }
        try FormerPins.removeUnfinished(beside: directory)
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
}
