import CABI
import CLibSeccomp

/// A system call as rules name it. Each ABI of the machine has a number of its own for it, or none.
public struct SystemCall: Hashable, Sendable {
    public let name: String
    /// By ABI: the machine's own, and the 32-bit one that x86-64 and arm64 run beside it.
    let numbers: [Int?]

    /// The names of the architectures' tables are libseccomp's. Nil for what no architecture calls so.
    public init?(named name: String) {
        let numbers = Self.architectures.enumerated().map { abi, architecture -> Int? in
            let number = seccomp_syscall_resolve_name_arch(architecture, name)
            if number >= 0, number < PC_SYSCALLS_MAX { return Int(number) }
            // Of what may be asked for by socketcall(2) and ipc(2), too, libseccomp tells a number that no call has; what calls there are it knows the other way round.
            return SystemCallNames.number(of: name, isOther: abi == 1)
        }
        // A negative number other than the error's is a call that other architectures have.
        guard seccomp_syscall_resolve_name(name) != PCS_UNKNOWN else { return nil }
        self.name = name
        self.numbers = numbers
    }

    #if arch(arm64)
    static let architectures = [PCS_ARCH_AARCH64, PCS_ARCH_ARM].map { UInt32(bitPattern: Int32($0)) }
    #else
    static let architectures = [PCS_ARCH_X86_64, PCS_ARCH_X86].map { UInt32(bitPattern: Int32($0)) }
    #endif

    /// Whether this machine has it at all.
    public var isHere: Bool { numbers.contains { $0 != nil } }

    /// As the automaton reads it, before the path: two bytes of the number and one of the ABI.
    var keys: [[UInt8]] {
        numbers.enumerated().compactMap { other, number in
            number.map { [$0, $0 >> 6, other].map { UInt8(PC_KEY_BYTE_BASE) | UInt8($0 & 63) } }
        }
    }

    /// The name of a number as alerts have it (`PC_SYSCALL_COMPATIBLE` for the other ABI).
    static func name(_ call: UInt32) -> String { SystemCallNames.of(call).name }

    /// As KubeArmor's feed writes it: `SYS_OPENAT`.
    static func feedName(_ call: UInt32) -> String { SystemCallNames.of(call).feedName }

    /// Calls that never return to their caller: what they came to is not known. At most half of PC_ENDLESS_SYSCALLS.
    static let endless = ["exit", "exit_group", "rt_sigreturn"]

    /// Calls with a path, and which argument it is, from 1 (syscalls(2) and the page of each).
    private static let pathArguments: [(place: UInt8, names: [String])] = [
        (1, [
            "open", "creat", "stat", "lstat", "access", "execve", "truncate", "chdir", "rename", "mkdir", "rmdir", "link", "unlink", "readlink", "chmod",
            "chown", "lchown", "statfs", "chroot", "acct", "umount", "umount2", "swapon", "swapoff", "mknod", "utime", "utimes", "uselib", "pivot_root", "setxattr", "lsetxattr",
            "getxattr", "lgetxattr", "listxattr", "llistxattr", "removexattr", "lremovexattr", "oldstat", "oldlstat", "chown32", "lchown32", "truncate64", "stat64", "lstat64",
            "statfs64",
        ]),
        (2, [
            "openat", "openat2", "mkdirat", "mknodat", "fchownat", "futimesat", "newfstatat", "unlinkat", "renameat", "renameat2", "linkat", "readlinkat", "fchmodat", "fchmodat2",
            "faccessat", "faccessat2", "execveat", "utimensat", "statx", "mount", "name_to_handle_at", "open_tree", "fstatat64", "utimensat_time64", "inotify_add_watch",
            "symlink", "quotactl", "mount_setattr", "fspick", "setxattrat", "getxattrat", "listxattrat", "removexattrat",
        ]),
        (3, ["symlinkat"]),
        (4, ["move_mount"]),
    ]

    /// Whether a rule about its path can ever match: the caller's text at least can be read.
    public var hasPath: Bool { Self.pathArguments.contains { $0.names.contains(name) } }

    /// `pc_syscall_paths`: which argument of each number is a path.
    public static func paths() -> pc_syscall_paths {
        var paths = pc_syscall_paths()
        let endless = Self.endless.flatMap { name -> [Int64] in
            (SystemCall(named: name)?.numbers ?? []).enumerated().compactMap { other, number in
                number.map { Int64($0) | (other == 0 ? 0 : Int64(PC_SYSCALL_COMPATIBLE.magnitude)) }
            }
        }
        withUnsafeMutableBytes(of: &paths.endless) { bytes in
            let words = bytes.bindMemory(to: Int64.self)
            for index in words.indices { words[index] = index < endless.count ? endless[index] : -1 }
        }
        withUnsafeMutableBytes(of: &paths.argument) { bytes in
            for (place, names) in pathArguments {
                for call in names.compactMap({ SystemCall(named: $0) }) {
                    for (other, number) in call.numbers.enumerated() { if let number { bytes[other * Int(PC_SYSCALLS_MAX) + number] = place } }
                }
            }
        }
        return paths
    }
}

/// Where the path lies that a call is to be about.
public enum SystemCallPlace: Equatable, Sendable {
    /// Anywhere, also a call without any path.
    case anywhere
    case path(String)
    /// As in `PolicyRule.Target.directory`.
    case directory(String, recursive: Bool)

    /// What the automaton reads behind the call.
    var patterns: [[Glob.Element]] {
        switch self {
        case .anywhere: [[.acrossComponents]]
        case .path(let path): [path.utf8.map { .byte($0) }]
        case .directory(let directory, let recursive):
            [directory.isEmpty ? [.byte(0x2f)] : directory.utf8.map { .byte($0) }, (directory + "/").utf8.map { .byte($0) } + [recursive ? .acrossComponents : .withinComponent]]
        }
    }
}

extension CompiledPolicySet {
    /// The calls that its rules list, a bit each.
    public func systemCalls() -> pc_syscall_set {
        var listed = pc_syscall_set()
        withUnsafeMutableBytes(of: &listed) { bytes in
            for rule in policies.lazy.flatMap(\.rules) {
                guard case .systemCall(let call, _) = rule.target else { continue }
                for (other, number) in call.numbers.enumerated() {
                    guard let number else { continue }
                    // Little-endian words of 64 bits.
                    bytes[other * Int(PC_SYSCALLS_MAX) / 8 + number / 8] |= 1 << UInt8(number % 8)
                }
            }
        }
        return listed
    }

    /// Whether a call is listed that never returns.
    public var listsEndlessCalls: Bool {
        policies.contains { policy in
            policy.rules.contains { if case .systemCall(let call, _) = $0.target { SystemCall.endless.contains(call.name) } else { false } }
        }
    }
}
