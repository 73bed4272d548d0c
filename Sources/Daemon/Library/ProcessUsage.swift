import Core
import Glibc

/// What this process takes of the machine. The file is opened once, at the start: it is read whenever somebody asks, in the sandbox too.
struct ProcessUsage {
    private let sizes = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    private let pageBytes = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))

    /// Nanoseconds of processor time, of user and kernel together, all threads.
    var cpu: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Nil if the file cannot be read.
    var residentBytes: UInt64? {
        var text = [UInt8](repeating: 0, count: MemoryText.limit)
        guard sizes >= 0, lseek(sizes, 0, SEEK_SET) == 0 else { return nil }
        let count = read(sizes, &text, text.count)
        guard count > 0 else { return nil }
        return MemoryText.residentPages(text[..<count]).map { $0 * pageBytes }
    }
}
