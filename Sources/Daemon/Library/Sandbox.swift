import CLibSeccomp
import CLinux
import Core
import Glibc

/// What the daemon gives up when it is ready: capabilities that only the start needs, the way back to them, and every system call that serving does
/// not take. What it then does that is not here ends it; enforcement goes on without it.
enum Sandbox {
    /// Capabilities that are kept (capabilities(7), include/uapi/linux/capability.h), and what for.
    static let capabilities: [(number: Int32, name: String, reason: String)] = [
        (39, "CAP_BPF", "policy sets are maps, and maps are made as policies come"),
        (38, "CAP_PERFMON", "programs for rules about system calls are loaded when the first such rule comes"),
        (34, "CAP_SYSLOG", "those programs find the kernel's rename and mount locks by /proc/kallsyms"),
        (19, "CAP_SYS_PTRACE", "the files that rules name are looked up below /proc/PID/root"),
        (2, "CAP_DAC_READ_SEARCH", "also below directories that only their owner may enter"),
    ]

    /// From here on, for good.
    ///
    /// - Throws: `.kernel` if the kernel has no seccomp filters, or refuses one of the steps. What was given up until then stays so.
    static func enter() throws(PortcullisError) {
        let mask = capabilities.reduce(UInt64(0)) { $0 | 1 << UInt64($1.number) }
        try check(pcl_keep_capabilities(mask), "giving up capabilities")
        try check(pcl_no_new_privileges(), "giving up new privileges")
        try SyscallFilter.daemon().load()
    }

    private static func check(_ result: Int32, _ action: String) throws(PortcullisError) {
        guard result == 0 else { throw PortcullisError(.kernel, action, errno: -result) }
    }

    // MARK: A look from inside

    /// Calls that must not be possible, each with what it would be good for.
    private static let forbidden: [(name: String, probe: Int32)] = [
        ("execve", PCL_PROBE_EXECVE), ("fork", PCL_PROBE_FORK), ("socket(AF_INET)", PCL_PROBE_INET), ("socket(AF_UNIX, SOCK_STREAM)", PCL_PROBE_STREAM),
        ("mmap(PROT_EXEC)", PCL_PROBE_EXECUTABLE), ("mount", PCL_PROBE_MOUNT), ("ptrace", PCL_PROBE_PTRACE), ("setns", PCL_PROBE_SETNS),
        ("bpf(BPF_MAP_GET_FD_BY_ID)", PCL_PROBE_MAP_BY_ID), ("kill(SIGTERM)", PCL_PROBE_TERMINATE), ("prctl", PCL_PROBE_PRCTL),
    ].map { ($0.0, Int32($0.1.rawValue)) }

    /// Enters the sandbox in a child for each of the forbidden calls, and makes it. Returns what was let through, or what keeps the sandbox from being entered.
    static func check() -> [(call: String, isForbidden: Bool)] {
        forbidden.map { name, probe in
            let status = pcl_in_child(
                { probe in
                    guard (try? Sandbox.enter()) != nil else { return 2 }
                    return pcl_probe(probe)
                }, probe)
            return (name, status == 128 + SIGSYS)
        }
    }
}

/// A list of system calls that are allowed (seccomp(2)); any other kills the process.
struct SyscallFilter: ~Copyable {
    private let context: scmp_filter_ctx

    private init() throws(PortcullisError) {
        guard let context = seccomp_init(PCS_KILL_PROCESS) else { throw PortcullisError(.system, "making a filter for system calls", errno: ENOMEM) }
        self.context = context
        // A tree instead of a list: some 150 comparisons at each call become eight (libseccomp 2.5).
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    }

    deinit { seccomp_release(context) }

    /// Calls of the loop, of the files it works with, and of the C library and Swift's runtime beneath them. Where a newer C library takes another
    /// call for the same thing, that one is here too.
    private static let calls = [
        "read", "write", "writev", "close", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_ctl", "timerfd_settime",
        "accept4", "recvfrom", "sendto", "getsockopt", "shutdown",
        "openat", "openat2", "newfstatat", "fstat", "stat", "lstat", "statx", "statfs", "fstatfs", "getdents64", "lseek", "readlink", "readlinkat", "access", "faccessat",
        "faccessat2", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "fsync", "syncfs", "inotify_add_watch", "inotify_rm_watch",
        "pidfd_open", "uname", "getuid", "geteuid", "getpid", "gettid", "sysinfo", "sched_getaffinity", "sched_yield",
        "brk", "munmap", "mremap", "madvise", "futex", "getrandom", "clock_gettime", "clock_nanosleep", "nanosleep",
        "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group", "wait4",
    ]

    static func daemon() throws(PortcullisError) -> SyscallFilter {
        let filter = try SyscallFilter()
        for call in calls { try filter.allow(call) }
        var index: Int32 = 0
        while let command = UInt64(exactly: pcl_bpf_command(index)) {
            try filter.allow("bpf", equal(0, command))
            index += 1
        }
        // No memory becomes code.
        let notExecutable = scmp_arg_cmp(arg: 2, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(PROT_EXEC), datum_b: 0)
        try filter.allow("mmap", notExecutable)
        try filter.allow("mprotect", notExecutable)
        // sd_notify(3), and no other socket.
        try filter.allow("socket", equal(0, UInt64(AF_UNIX)), equal(1, UInt64(SOCK_DGRAM.rawValue) | UInt64(SOCK_CLOEXEC.rawValue)))
        for command in [F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL] { try filter.allow("fcntl", equal(1, UInt64(command))) }
        try filter.allow("dup3", equal(2, UInt64(O_CLOEXEC)))
        // libbpf looks at its limits, and sets none after its first map.
        try filter.allow("prlimit64", equal(0, 0), equal(2, 0))
        try filter.allow("tgkill", equal(2, UInt64(SIGABRT)))
        // A scan that takes too long is ended.
        try filter.allow("kill", equal(1, UInt64(SIGKILL)))
        return filter
    }

    private static func equal(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
    }

    private func allow(_ name: String, _ comparisons: scmp_arg_cmp...) throws(PortcullisError) {
        let number = seccomp_syscall_resolve_name(name)
        // Of another architecture's, or newer than this libseccomp.
        guard number != Int32(PCS_UNKNOWN) else { return }
        let result = seccomp_rule_add_array(context, PCS_ALLOW, number, UInt32(comparisons.count), comparisons)
        guard result == 0 else { throw PortcullisError(.system, "allowing the system call \(name)", errno: -result) }
    }

    /// Puts it in force for this process, for good.
    func load() throws(PortcullisError) {
        let result = seccomp_load(context)
        guard result == 0 else { throw PortcullisError(.kernel, "loading the filter for system calls", errno: -result) }
    }
}
