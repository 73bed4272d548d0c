#if Feed
import Core
import Glibc

/// This machine.
enum Node {
    static let (hostName, kernelRelease): (String, String) = {
        var name = utsname()
        guard uname(&name) == 0 else { return ("", "") }
        func text<Field>(_ field: Field) -> String { withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }
        return (text(name.nodename), text(name.release))
    }()

    /// As os-release(5) has it, in the one or the other of its places.
    static let osName = OSRelease.name(in: firstBytes("/etc/os-release") ?? firstBytes("/usr/lib/os-release") ?? [])

    /// machine-id(5); empty if there is none.
    static let machineID = firstLine("/etc/machine-id")
    /// random(4): another one for each boot.
    static let bootID = firstLine("/proc/sys/kernel/random/boot_id")

    private static func firstLine(_ path: String) -> String { String(decoding: (firstBytes(path) ?? []).prefix { $0 != 10 }, as: UTF8.self) }

    /// Of a file that is small: as much as one read gives. Nil if it cannot be read.
    private static func firstBytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8 << 10)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : Array(bytes[..<count])
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
