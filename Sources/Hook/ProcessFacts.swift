import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// What `/proc` says of the container's init while it waits for the hook.
struct ProcessFacts {
    var pidNamespace: UInt64 = 0
    var mountNamespace: UInt64 = 0
    var startTime: UInt64 = 0
    var cgroupPath: [UInt8] = []

    /// Reads the facts of `pid`; nil if any of them cannot be read, which means that the process is gone.
    static func read(pid: UInt32) -> ProcessFacts? {
        var facts = ProcessFacts()
        guard let pidNamespace = namespace(pid, "/ns/pid"), let mountNamespace = namespace(pid, "/ns/mnt") else { return nil }
        facts.pidNamespace = pidNamespace
        facts.mountNamespace = mountNamespace
        guard let stat = file(pid, "/stat"), let startTime = ProcessText.startTime(inStat: stat) else { return nil }
        facts.startTime = startTime
        if let cgroup = file(pid, "/cgroup") { facts.cgroupPath = ProcessText.cgroupPath(in: cgroup) }
        return facts
    }

    private static func path(_ pid: UInt32, _ name: StaticString) -> Path {
        var path = Path("/proc/")
        path.append(pid)
        path.append(name)
        return path
    }

    /// The inode number in a link such as `mnt:[4026532177]`.
    private static func namespace(_ pid: UInt32, _ name: StaticString) -> UInt64? {
        let link = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            count = Int(max(path(pid, name).withCString { pch_readlink($0, buffer.baseAddress, buffer.count) }, 0))
        }
        guard let bracket = link.firstIndex(of: UInt8(ascii: "[")) else { return nil }
        return ProcessText.number(in: link, at: bracket + 1)
    }

    private static func file(_ pid: UInt32, _ name: StaticString) -> [UInt8]? {
        let window = DescriptorSource.window
        let count = Int(path(pid, name).withCString { pch_read_file($0, window.baseAddress, window.count) })
        return count > 0 ? Array(window[..<count]) : nil
    }
}
