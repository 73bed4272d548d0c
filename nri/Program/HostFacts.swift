#if NRI
import Core
import Glibc
import HookWire

/// What this process can see of others without any capability.
enum HostFacts {
    /// Adds what `/proc` says of the message's process. False if that is gone.
    static func complete(_ message: inout HookMessage) -> Bool {
        guard let stat = file("/proc/\(message.pid)/stat", limit: 4096), let start = ProcessText.startTime(inStat: stat) else { return false }
        message.startTime = start
        if let cgroup = file("/proc/\(message.pid)/cgroup", limit: 16 << 10) { message.cgroupPath = ProcessText.cgroupPath(in: cgroup) }
        return true
    }

    /// Whether the process that a message is about is still there.
    static func isAlive(_ message: HookMessage) -> Bool {
        guard let stat = file("/proc/\(message.pid)/stat", limit: 4096) else { return false }
        return ProcessText.startTime(inStat: stat) == message.startTime
    }

    /// The message as it is right now: what was parked when it was made may run by now. False if the process is gone.
    static func renew(_ message: inout HookMessage) -> Bool {
        guard let stat = file("/proc/\(message.pid)/stat", limit: 4096), ProcessText.startTime(inStat: stat) == message.startTime else { return false }
        if let flags = ProcessText.flags(inStat: stat), flags & neverExecuted == 0 { message.hasStarted = true }
        return true
    }

    /// PF_FORKNOEXEC (include/linux/sched.h): runtimes make a container's init by fork, and its first exec is the container's program.
    private static let neverExecuted: UInt64 = 0x40

    /// A file of settings; nil if it is not there.
    ///
    /// - Throws: `.system` if it cannot be read, `.configuration` if others than root may write it: then it is not believed, as by the hook.
    static func settings(_ path: String) throws(PortcullisError) -> [UInt8]? {
        var info = stat()
        guard stat(path, &info) == 0 else {
            if errno == ENOENT { return nil }
            throw PortcullisError(.system, "reading it", errno: errno)
        }
        guard info.st_uid == 0, info.st_mode & 0o022 == 0 else { throw PortcullisError(.configuration, "not believed: others than root may write it") }
        guard let text = file(path, limit: 1 << 20) else { throw PortcullisError(.system, "reading it", errno: errno) }
        return text
    }

    /// Nil if the file cannot be read; nothing beyond `limit` is.
    static func file(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Nearly all are far smaller than their limit, whose zeroing would cost more than reading them.
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: min(limit, 4096))
        while bytes.count < limit {
            let count = read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// Nanoseconds since boot, but for time asleep.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
#endif
