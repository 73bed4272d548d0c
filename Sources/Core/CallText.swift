import CABI

/// What the feed's field Data says of a system call: its name, and what its arguments mean (the page of each call in section 2).
enum CallText {
    static func data(_ event: Event) -> String {
        var text = "syscall=\(SystemCall.feedName(event.header.syscall))"
        for part in parts(event) where !part.1.isEmpty { text += " \(part.0)=\(part.1)" }
        let other = String(decoding: event.fullOtherPath, as: UTF8.self)
        if !other.isEmpty { text += " \(event.operation == "mount" ? "source" : event.operation == "symlink" ? "target" : "newpath")=\(other)" }
        if event.has(PC_EVENT_IO_URING) { text += " via=io_uring" }
        return text
    }

    /// A socket and its address; of a UNIX socket its name.
    static func socket(_ event: Event) -> String {
        let header = event.header, family = Int(header.socket_family), type = Int(header.socket_type)
        let name = SocketAddress.protocolName(family, type, Int(header.socket_protocol))
        let isOwn = event.operation == "bind" || event.operation == "listen"
        if let address = event.address { return "\(isOwn ? "localip" : "remoteip")=\(address) port=\(header.port) protocol=\(name)" }
        var text = "domain=\(AddressFamily.name(family)) type=\(SocketType.name(type)) protocol=\(name)"
        if !event.path.isEmpty { text += " path=\(String(decoding: event.path, as: UTF8.self))" }
        return text
    }

    private static func parts(_ event: Event) -> [(String, String)] {
        let registers = withUnsafeBytes(of: event.header.registers) { Array($0.bindMemory(to: UInt64.self)) }
        func number(_ place: Int) -> String { String(Int32(truncatingIfNeeded: registers[place])) }
        func octal(_ place: Int) -> String { "0" + String(UInt32(truncatingIfNeeded: registers[place]) & 0o7777, radix: 8) }
        switch event.systemCall {
        case "open": return [("flags", openFlags(registers[1]))]
        case "creat": return [("mode", octal(1))]
        case "openat": return [("fd", number(0)), ("flags", openFlags(registers[2]))]
        // The flags stand in memory.
        case "openat2": return [("fd", number(0))]
        case "unlinkat": return [("fd", number(0)), ("flags", registers[2] & 0x200 != 0 ? "AT_REMOVEDIR" : "")]
        case "mkdir", "mknod", "chmod": return [("mode", octal(1))]
        case "fchmod": return [("fd", number(0)), ("mode", octal(1))]
        case "mkdirat", "mknodat", "fchmodat", "fchmodat2": return [("fd", number(0)), ("mode", octal(2))]
        case "chown", "lchown", "chown32", "lchown32": return [("userid", number(1)), ("group", number(2))]
        case "fchown", "fchown32": return [("fd", number(0)), ("userid", number(1)), ("group", number(2))]
        case "fchownat": return [("fd", number(0)), ("userid", number(2)), ("group", number(3))]
        case "connect", "bind", "listen", "accept", "accept4", "ftruncate", "ftruncate64": return [("fd", number(0))]
        case "setuid", "setfsuid", "setuid32", "setfsuid32": return [("userid", number(0))]
        case "setreuid", "setreuid32": return [("userid", number(0)), ("effective", number(1))]
        case "setresuid", "setresuid32": return [("userid", number(0)), ("effective", number(1)), ("saved", number(2))]
        case "setgid", "setfsgid", "setgid32", "setfsgid32": return [("groupid", number(0))]
        case "setregid", "setregid32": return [("groupid", number(0)), ("effective", number(1))]
        case "setresgid", "setresgid32": return [("groupid", number(0)), ("effective", number(1)), ("saved", number(2))]
        case "ptrace": return [("request", ptraceRequest(registers[0])), ("pid", number(1))]
        case "mount": return [("flags", "0x" + String(registers[3], radix: 16))]
        case "umount", "umount2": return [("flags", number(1))]
        case "setns": return [("fd", number(0)), ("nstype", "0x" + String(registers[1], radix: 16))]
        case "unshare": return [("flags", "0x" + String(registers[0], radix: 16))]
        default: return []
        }
    }

    /// open(2), with the numbers of x86-64 and arm64, which agree on those that are named here but for O_DIRECTORY and O_NOFOLLOW.
    private static func openFlags(_ flags: UInt64) -> String {
        var names = [["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][Int(flags & 3)]]
        #if arch(arm64)
        let directory: UInt64 = 0o40000, noFollow: UInt64 = 0o100000
        #else
        let directory: UInt64 = 0o200000, noFollow: UInt64 = 0o400000
        #endif
        let named: [(UInt64, String)] = [
            (0o100, "O_CREAT"), (0o200, "O_EXCL"), (0o400, "O_NOCTTY"), (0o1000, "O_TRUNC"), (0o2000, "O_APPEND"), (0o4000, "O_NONBLOCK"),
            (directory, "O_DIRECTORY"), (noFollow, "O_NOFOLLOW"), (0o2000000, "O_CLOEXEC"), (0o10000000, "O_PATH"),
        ]
        for (bits, name) in named where flags & bits == bits { names.append(name) }
        return names.joined(separator: "|")
    }

    /// ptrace(2); those that are used to look into or change another process.
    private static func ptraceRequest(_ request: UInt64) -> String {
        let names: [UInt64: String] = [
            0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 4: "PTRACE_POKETEXT", 5: "PTRACE_POKEDATA", 7: "PTRACE_CONT", 8: "PTRACE_KILL",
            9: "PTRACE_SINGLESTEP", 12: "PTRACE_GETREGS", 13: "PTRACE_SETREGS", 16: "PTRACE_ATTACH", 17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL",
            0x4204: "PTRACE_GETREGSET", 0x4205: "PTRACE_SETREGSET", 0x4206: "PTRACE_SEIZE", 0x4207: "PTRACE_INTERRUPT",
        ]
        return names[request] ?? String(request)
    }
}
