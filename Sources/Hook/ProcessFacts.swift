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
        guard let stat = file(pid, "/stat"), let startTime = startTime(inStat: stat) else { return nil }
        facts.startTime = startTime
        if let cgroup = file(pid, "/cgroup") { facts.cgroupPath = cgroupPath(in: cgroup) }
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
        return number(in: link, at: bracket + 1)
    }

    private static func file(_ pid: UInt32, _ name: StaticString) -> [UInt8]? {
        let window = DescriptorSource.window
        let count = Int(path(pid, name).withCString { pch_read_file($0, window.baseAddress, window.count) })
        return count > 0 ? Array(window[..<count]) : nil
    }

    /// Field 22 of `/proc/<pid>/stat`, in clock ticks since boot (proc(5)). The second field, the command's name, may hold
    /// blanks and brackets, so counting starts behind the last closing bracket.
    static func startTime(inStat stat: [UInt8]) -> UInt64? {
        guard let bracket = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        var field = 2
        for index in bracket..<stat.count where stat[index] == UInt8(ascii: " ") {
            field += 1
            if field == 22 { return number(in: stat, at: index + 1) }
        }
        return nil
    }

    /// The path in the unified hierarchy's line (`0::/path`), else in the first line (cgroups(7)).
    static func cgroupPath(in file: [UInt8]) -> [UInt8] {
        var first: [UInt8]?
        for line in file.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].count < HookLimits.path else { continue }
            // On a hybrid host the unified line is there and says "/": the controllers' lines know more.
            if parts[1].isEmpty, parts[2].count > 1 { return Array(parts[2]) }
            if first == nil, parts[2].count > 1 { first = Array(parts[2]) }
        }
        return first ?? []
    }

    private static func number(in bytes: [UInt8], at start: Int) -> UInt64? {
        var value: UInt64 = 0
        var index = start
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9"), index - start < 20 {
            value = value &* 10 &+ UInt64(bytes[index] - UInt8(ascii: "0"))
            index += 1
        }
        return index > start ? value : nil
    }
}
