import CLinux
import Core
import Glibc

/// Runs a program and takes what it prints; its standard error is ours.
enum ChildOutput {
    /// Bytes that it may print.
    private static let limit = 1 << 20

    static func run(_ program: String, _ arguments: [String]) throws(PortcullisError) -> [UInt8] { try runToEnd(program, arguments).output }

    /// - Returns: What it printed, and its exit status; 128 and the number of the signal that ended it.
    ///
    /// - Parameters:
    ///   - takesErrors: What it says on standard error is taken, too.
    ///   - patience: Milliseconds after which it is killed.
    /// - Throws: Also where it has not ended in time, or prints without end; it has been killed then.
    static func runToEnd(_ program: String, _ arguments: [String], takesErrors: Bool = false, patience: Int32 = 10_000) throws(PortcullisError) -> (output: [UInt8], status: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw PortcullisError(.system, "making a pipe", errno: errno) }
        defer { close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        if takesErrors { posix_spawn_file_actions_adddup2(&actions, ends[1], 2) }
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var pid: pid_t = 0
        // What is set for a service in this environment is not meant for this run.
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        let result = posix_spawn(&pid, program, &actions, nil, &words, &environment)
        posix_spawn_file_actions_destroy(&actions)
        for word in words { free(word) }
        close(ends[1])
        guard result == 0 else { throw PortcullisError(.system, "running \(program)", errno: result) }
        var status: Int32 = 0
        let output: [UInt8]
        do throws(PortcullisError) { output = try take(ends[0], of: program, pid, patience) } catch {
            kill(pid, SIGKILL)
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            throw error
        }
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return (output, status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F)
    }

    /// Reads until the program has ended: its output may end before, and what it has started may hold that open for longer.
    private static func take(_ end: Int32, of program: String, _ pid: pid_t, _ patience: Int32) throws(PortcullisError) -> [UInt8] {
        let process = pcl_pidfd_open(pid)
        guard process >= 0 else { throw PortcullisError(.system, "watching \(program)", errno: -process) }
        defer { close(process) }
        var output: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 64 << 10)
        // A negative descriptor is one that poll(2) leaves out.
        var polled = [pollfd(fd: end, events: Int16(POLLIN), revents: 0), pollfd(fd: process, events: Int16(POLLIN), revents: 0)]
        let deadline = milliseconds() + Int(patience)
        while true {
            let left = deadline - milliseconds(), ready = left > 0 ? poll(&polled, 2, Int32(clamping: left)) : 0
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw PortcullisError(.system, "\(program) has not ended within \(patience / 1000) s") }
            guard polled[0].revents != 0 else { return output }
            let count = read(end, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { polled[0] = pollfd(fd: -1, events: 0, revents: 0) }
            output.append(contentsOf: buffer[..<max(count, 0)])
            guard output.count <= limit else { throw PortcullisError(.system, "\(program) prints more than \(limit) bytes") }
        }
    }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
