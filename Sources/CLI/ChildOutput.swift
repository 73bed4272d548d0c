import Core
import Glibc

/// Runs a program and takes what it prints; its standard error is ours.
enum ChildOutput {
    private static let limit = 1 << 20

    static func run(_ program: String, _ arguments: [String]) throws(PortcullisError) -> [UInt8] { try runToEnd(program, arguments).output }

    /// - Returns: What it printed, and its exit status; 128 and the number of the signal that ended it.
    ///
    /// - Parameters:
    ///   - takesErrors: What it says on standard error is taken, too.
    ///   - patience: Milliseconds after which it is killed; -1 for none.
    static func runToEnd(_ program: String, _ arguments: [String], takesErrors: Bool = false, patience: Int32 = -1) throws(PortcullisError) -> (output: [UInt8], status: Int32) {
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
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let deadline = milliseconds() + Int(patience)
        while output.count < limit {
            var poller = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, patience < 0 ? -1 : Int32(clamping: max(deadline - milliseconds(), 0)))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                kill(pid, SIGKILL)
                break
            }
            let count = read(ends[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            output.append(contentsOf: buffer[..<count])
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return (output, status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F)
    }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
