import Glibc
import HookWire

/// A process as `/proc` shows it to the host.
struct HostProcess {
    let pid: UInt32
    let parent: UInt32
    /// Clock ticks since boot.
    let startTime: UInt64
    let mountNamespace: UInt64
    let pidNamespace: UInt64
    let cgroupPath: [UInt8]

    /// Nil if it is gone, or ending: a zombie has no namespaces left.
    init?(_ pid: UInt32) {
        guard let mounts = Self.namespace(pid, "mnt"), let pids = Self.namespace(pid, "pid"), let stat = Self.file(pid, "stat"),
            let startTime = ProcessText.startTime(inStat: stat), let parent = ProcessText.parent(inStat: stat)
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.startTime = startTime
        mountNamespace = mounts
        pidNamespace = pids
        cgroupPath = Self.file(pid, "cgroup").map { ProcessText.cgroupPath(in: $0) } ?? []
    }

    /// All processes there are, in the order of their numbers. Empty if `/proc` cannot be read.
    static func all() -> [UInt32] {
        guard let stream = opendir("/proc") else { return [] }
        defer { closedir(stream) }
        var pids: [UInt32] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if let pid = UInt32(name) { pids.append(pid) }
        }
        return pids.sorted()
    }

    static func arguments(_ pid: UInt32) -> [String] {
        (file(pid, "cmdline") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    static func workingDirectory(_ pid: UInt32) -> String? { link("/proc/\(pid)/cwd").map { String(decoding: $0, as: UTF8.self) } }

    /// Whether root runs it.
    static func isRoots(_ pid: UInt32) -> Bool {
        var info = stat()
        return stat("/proc/\(pid)", &info) == 0 && info.st_uid == 0
    }

    static func namespace(_ pid: UInt32, _ kind: String) -> UInt64? {
        guard let link = link("/proc/\(pid)/ns/\(kind)"), let bracket = link.firstIndex(of: UInt8(ascii: "[")) else { return nil }
        return ProcessText.number(in: link, at: bracket + 1)
    }

    private static func link(_ path: String) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? buffer[..<count].map { UInt8(bitPattern: $0) } : nil
    }

    private static func file(_ pid: UInt32, _ name: String) -> [UInt8]? {
        let descriptor = open("/proc/\(pid)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8 << 10)
        // A command line may be as long as a process likes; what monitors say stands at its front.
        while bytes.count < 256 << 10 {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }
}
