import CLinux
import Core
import Glibc

/// The file system that pins live in.
public enum BPFFileSystem {
    /// Where it is usually mounted (bpf(2); systemd mounts it there).
    public static let usualPath = "/sys/fs/bpf"
    private static let magic = 0xcafe_4a11

    /// Makes `directory` (`<mount>/portcullis/v1`) exist, root-only, on a bpffs; mounts one at `/sys/fs/bpf` if that has none.
    public static func prepare(_ directory: String) throws(PortcullisError) {
        let base = existingAncestor(of: directory)
        if !isBPF(base) {
            guard base.hasPrefix(usualPath) || base == "/sys/fs" else {
                throw PortcullisError(
                    .kernel, "\(directory) is not on a bpf file system; mount one there: mount -t bpf bpf \(base)")
            }
            guard mount("bpf", usualPath, "bpf", UInt(MS_NOSUID | MS_NODEV | MS_NOEXEC), "mode=0700") == 0 else {
                throw PortcullisError(
                    .kernel, "no bpf file system at \(usualPath), and mounting one failed (mount -t bpf bpf \(usualPath))",
                    errno: errno)
            }
        }
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw PortcullisError(.kernel, "creating \(path)", errno: errno)
            }
        }
        guard isBPF(directory) else { throw PortcullisError(.kernel, "\(directory) is not on a bpf file system") }
        var info = stat()
        guard lstat(directory, &info) == 0 else { throw PortcullisError(.kernel, "reading \(directory)", errno: errno) }
        guard info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw PortcullisError(.conflict, "\(directory) is not ours alone (it must be owned by us, mode 0700)")
        }
    }

    /// Holds the right to write what is pinned there until the process ends: two writers would undo each other's containers.
    static func lock(_ directory: String) throws(PortcullisError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening \(directory)", errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            guard error == EWOULDBLOCK else { throw PortcullisError(.kernel, "locking \(directory)", errno: error) }
            throw PortcullisError(.conflict, "another portcullisd works with the pins in \(directory)")
        }
    }

    private static func existingAncestor(of path: String) -> String {
        var path = path
        while path.count > 1, access(path, F_OK) != 0 {
            path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        }
        return path.isEmpty ? "/" : path
    }

    private static func isBPF(_ path: String) -> Bool {
        var info = statfs()
        return statfs(path, &info) == 0 && Int(info.f_type) & 0xffff_ffff == magic
    }
}
