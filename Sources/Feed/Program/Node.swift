#if Feed
import Core
import Glibc

/// This machine.
enum Node {
    static let hostName: String = {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    /// machine-id(5); empty if there is none.
    static let machineID = firstLine("/etc/machine-id")
    /// random(4): another one for each boot.
    static let bootID = firstLine("/proc/sys/kernel/random/boot_id")

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

    /// Nanoseconds of a clock that is never set.
    static var monotonic: UInt64 { read(CLOCK_MONOTONIC) }
    /// Nanoseconds of processor time that this process has taken.
    static var cpu: UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Bytes of this process that are in RAM; nil where /proc is not to be read.
    static var residentBytes: UInt64? {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: MemoryText.limit)
        let count = Glibc.read(descriptor, &text, text.count)
        guard count > 0 else { return nil }
        return MemoryText.residentPages(text[..<count]).map { $0 * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0)) }
    }

    /// Nanoseconds since 1970.
    static var now: UInt64 { read(CLOCK_REALTIME) }
    /// From nanoseconds since the boot to those.
    static var wallOffset: UInt64 { read(CLOCK_REALTIME) &- read(CLOCK_BOOTTIME) }
}
#endif
