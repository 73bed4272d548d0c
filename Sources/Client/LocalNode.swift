import Core
import Glibc

/// This machine, as its messages name it.
public enum LocalNode {
    /// A translator for what this machine's kernel says.
    public static func translator(clusterName: String = "default") -> FeedTranslator {
        FeedTranslator(clusterName: clusterName, hostName: hostName, nodeID: firstLine("/etc/machine-id"), bootID: firstLine("/proc/sys/kernel/random/boot_id"))
    }

    private static var hostName: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func firstLine(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return "" }
        return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Nanoseconds since 1970.
    public static var now: UInt64 { read(CLOCK_REALTIME) }
    /// Since the boot, as the kernel's records count.
    public static var sinceBoot: UInt64 { read(CLOCK_BOOTTIME) }
    /// From those to the time of day.
    public static var wallOffset: UInt64 { now &- sinceBoot }
}
