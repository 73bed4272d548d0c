/// Which of a system call's arguments the feed tells, and as what (the page of each call in section 2). The flags of openat2 stand in memory, and are not told.
enum CallForm: Sendable {
    case open(flags: Int), openAt(flags: Int?), unlinkAt
    case mode(Int), modeOf, modeAt
    /// Owner and group from this argument on; with a descriptor before.
    case owner(Int), ownerOf(Int)
    case descriptor
    case user, userAndEffective, userEffectiveAndSaved
    case group, groupAndEffective, groupEffectiveAndSaved
    case trace, mount, unmount, enterNamespace, unshare
    case none

    init(_ name: String) {
        switch name {
        case "open": self = .open(flags: 1)
        case "openat": self = .openAt(flags: 2)
        case "openat2": self = .openAt(flags: nil)
        case "unlinkat": self = .unlinkAt
        case "creat", "mkdir", "mknod", "chmod": self = .mode(1)
        case "fchmod": self = .modeOf
        case "mkdirat", "mknodat", "fchmodat", "fchmodat2": self = .modeAt
        case "chown", "lchown", "chown32", "lchown32": self = .owner(1)
        case "fchown", "fchown32": self = .ownerOf(1)
        case "fchownat": self = .ownerOf(2)
        case "connect", "bind", "listen", "accept", "accept4", "ftruncate", "ftruncate64", "write", "writev", "pwritev2", "sendto", "sendmsg", "sendmmsg": self = .descriptor
        case "setuid", "setfsuid", "setuid32", "setfsuid32": self = .user
        case "setreuid", "setreuid32": self = .userAndEffective
        case "setresuid", "setresuid32": self = .userEffectiveAndSaved
        case "setgid", "setfsgid", "setgid32", "setfsgid32": self = .group
        case "setregid", "setregid32": self = .groupAndEffective
        case "setresgid", "setresgid32": self = .groupEffectiveAndSaved
        case "ptrace": self = .trace
        case "mount": self = .mount
        case "umount", "umount2": self = .unmount
        case "setns": self = .enterNamespace
        case "unshare": self = .unshare
        default: self = .none
        }
    }

    /// - Parameter registers: A call's arguments, from 0 on.
    func describe(_ registers: UnsafeBufferPointer<UInt64>, _ data: inout MessageData) {
        func number(_ place: Int) -> Int32 { Int32(truncatingIfNeeded: registers[place]) }
        func octal(_ place: Int) -> String { "0" + String(UInt32(truncatingIfNeeded: registers[place]) & 0o7777, radix: 8) }
        func hexadecimal(_ place: Int) -> String { "0x" + String(registers[place], radix: 16) }
        func add(_ keys: DataKey..., from first: Int) { for (place, key) in keys.enumerated() { data.add(key, number(first + place)) } }
        switch self {
        case .open(let flags): data.add(.flags, CallFlags.open(registers[flags]))
        case .openAt(let flags):
            data.add(.descriptor, number(0))
            if let flags { data.add(.flags, CallFlags.open(registers[flags])) }
        case .unlinkAt:
            data.add(.descriptor, number(0))
            data.add(.flags, registers[2] & 0x200 != 0 ? "AT_REMOVEDIR" : "")
        case .mode(let place): data.add(.mode, octal(place))
        case .modeOf:
            data.add(.descriptor, number(0))
            data.add(.mode, octal(1))
        case .modeAt:
            data.add(.descriptor, number(0))
            data.add(.mode, octal(2))
        case .owner(let first): add(.user, .group, from: first)
        case .ownerOf(let first):
            data.add(.descriptor, number(0))
            add(.user, .group, from: first)
        case .descriptor: data.add(.descriptor, number(0))
        case .user: add(.user, from: 0)
        case .userAndEffective: add(.user, .effective, from: 0)
        case .userEffectiveAndSaved: add(.user, .effective, .saved, from: 0)
        case .group: add(.groupID, from: 0)
        case .groupAndEffective: add(.groupID, .effective, from: 0)
        case .groupEffectiveAndSaved: add(.groupID, .effective, .saved, from: 0)
        case .trace:
            data.add(.request, CallFlags.ptrace(registers[0]))
            data.add(.pid, number(1))
        case .mount: data.add(.flags, hexadecimal(3))
        case .unmount: data.add(.flags, number(1))
        case .enterNamespace:
            data.add(.descriptor, number(0))
            data.add(.namespace, hexadecimal(1))
        case .unshare: data.add(.flags, hexadecimal(0))
        case .none: break
        }
    }
}

/// Names of what arguments are made of.
enum CallFlags {
    #if arch(arm64)
    private static let directory: UInt64 = 0o40000, noFollow: UInt64 = 0o100000
    #else
    private static let directory: UInt64 = 0o200000, noFollow: UInt64 = 0o400000
    #endif
    private static let accessModes = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"]
    private static let openFlags: [(bits: UInt64, name: String)] = [
        (0o100, "|O_CREAT"), (0o200, "|O_EXCL"), (0o400, "|O_NOCTTY"), (0o1000, "|O_TRUNC"), (0o2000, "|O_APPEND"), (0o4000, "|O_NONBLOCK"),
        (directory, "|O_DIRECTORY"), (noFollow, "|O_NOFOLLOW"), (0o2000000, "|O_CLOEXEC"), (0o10000000, "|O_PATH"),
    ]
    private static let anyFlag = openFlags.reduce(0) { $0 | $1.bits }

    /// open(2), with the numbers of x86-64 and arm64, which agree on those that are named here but for O_DIRECTORY and O_NOFOLLOW.
    static func open(_ flags: UInt64) -> String {
        var text = accessModes[Int(flags & 3)]
        guard flags & anyFlag != 0 else { return text }
        for (bits, name) in openFlags where flags & bits == bits { text += name }
        return text
    }

    private static let requests: [UInt64: String] = [
        0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 4: "PTRACE_POKETEXT", 5: "PTRACE_POKEDATA", 7: "PTRACE_CONT", 8: "PTRACE_KILL",
        9: "PTRACE_SINGLESTEP", 12: "PTRACE_GETREGS", 13: "PTRACE_SETREGS", 16: "PTRACE_ATTACH", 17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL",
        0x4204: "PTRACE_GETREGSET", 0x4205: "PTRACE_SETREGSET", 0x4206: "PTRACE_SEIZE", 0x4207: "PTRACE_INTERRUPT",
    ]

    /// ptrace(2); those that are used to look into or change another process.
    static func ptrace(_ request: UInt64) -> String { requests[request] ?? String(request) }
}
