import CABI

extension Event {
    /// One JSON object: the event and, if it is known, the container.
    public func json(_ container: Container?, _ workload: WorkloadIdentity, wallClockOffset: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", kind.word)
            writer.member("time", Timestamp.text(nanoseconds: header.time &+ wallClockOffset))
            if kind != .exec, kind != .exit { describeAct(&writer) }
            writer.key("container")
            writer.object { writer in describe(container, workload, &writer) }
            writer.key("process")
            writer.object { writer in describeProcess(&writer) }
        }
        return writer.bytes
    }

    private func describe(_ container: Container?, _ workload: WorkloadIdentity, _ writer: inout JSONWriter) {
        writer.member("source", source == .host ? "host" : source == .stale ? "stale" : source == .key ? "key" : "label")
        guard source != .host else { return }
        writer.members(of: container, workload, reference)
        writer.member("mountNamespace", header.mount_namespace)
        writer.member("pidNamespace", header.pid_namespace)
    }

    /// What was done, to what, and what came of it.
    private func describeAct(_ writer: inout JSONWriter) {
        writer.member("operation", operation)
        writer.member("result", outcome)
        if kind == .capability {
            writer.member("capability", Capability.alertName(UInt8(truncatingIfNeeded: header.capability)))
            return
        }
        if !has(PC_EVENT_NO_RESULT) { writer.member("returned", header.result) }
        writer.member("syscall", systemCall)
        if has(PC_EVENT_IO_URING) { writer.member("ioUring", true) }
        if kind == .network {
            describeSocket(&writer)
        } else if header.path_length > 0 || has(PC_EVENT_RAW_PATH) {
            writer.member("path", fullPath)
            writer.member("rawPath", has(PC_EVENT_RAW_PATH))
            if has(PC_EVENT_PATH_CUT) { writer.member("pathCut", true) }
            if has(PC_EVENT_PATH_UNREADABLE) { writer.member("pathUnreadable", true) }
        }
        if header.other_path_length > 0 {
            writer.member("otherPath", fullOtherPath)
            if has(PC_EVENT_OTHER_PATH_CUT) { writer.member("otherPathCut", true) }
        }
        if header.owner != PC_OWNER_UNKNOWN.magnitude { writer.member("fileOwner", header.owner) }
        writer.key("registers")
        writer.array { writer in
            withUnsafeBytes(of: header.registers) { for register in $0.bindMemory(to: UInt64.self) { writer.number(register) } }
        }
    }

    private func describeSocket(_ writer: inout JSONWriter) {
        let family = Int(header.socket_family), type = Int(header.socket_type)
        writer.member("family", AddressFamily.name(family))
        writer.member("socketType", SocketType.name(type))
        writer.member("protocol", SocketAddress.protocolName(family, type, Int(header.socket_protocol)))
        if let address {
            writer.member("address", address)
            writer.member("port", header.port)
        }
        if !path.isEmpty { writer.member(isQuery ? "domain" : "socketName", path) }
    }

    private func describeProcess(_ writer: inout JSONWriter) {
        writer.members(of: header)
        writer.member("gid", header.gid)
        writer.member("parentExecutable", parentExecutable)
        writer.member("directory", directory)
        writer.member("terminal", terminal)
        if kind == .exit {
            // Up to 6.15 its memory is gone by then, and with it what it was.
            if !executable.isEmpty { writer.member("executable", executable) }
            writer.member("exitCode", header.exit_code >> 8 & 0xFF)
            writer.member("signal", header.exit_code & 0x7F)
            return
        }
        // Of an exec what was given to execve; `program` is the file that it came to.
        writer.member("executable", kind == .exec ? path : executable)
        if kind == .exec { writer.member("program", executable) }
        writer.key("arguments")
        writer.array { writer in
            for argument in splitArguments() { writer.text(argument) }
        }
        writer.member("executableCut", has(kind == .exec ? PC_EVENT_PATH_CUT : PC_EVENT_EXECUTABLE_CUT))
        writer.member("argumentsCut", has(PC_EVENT_ARGUMENTS_CUT))
        if has(PC_EVENT_ARGUMENTS_UNREADABLE) { writer.member("argumentsUnreadable", true) }
        if kind == .exec { writer.member("first", isFirst) }
        writer.member("entered", hasEntered)
    }
}

extension Event.Kind {
    /// As events are called where they are read.
    public var word: String {
        switch self {
        case .exec: "exec"
        case .exit: "exit"
        case .file: "file"
        case .network: "network"
        case .systemCall: "syscall"
        case .capability: "capability"
        case .execFailed: "exec-failed"
        }
    }
}

/// What events and alerts call what was done.
enum Operation {
    private static let names: [String] = [
        "none", "exec", "open", "write", "map-executable", "map-writable", "truncate", "unlink", "rmdir", "mkdir", "mknod", "symlink", "link",
        "rename", "chmod", "chown", "receive", "mount", "unmount", "pivot-root", "socket", "connect", "bind", "listen", "accept", "capability",
        "dns", "map-anonymous", "syscall", "create", "setuid", "setgid", "ptrace", "chroot", "setns", "unshare", "capset",
    ]

    /// - Precondition: It is below `PC_OPERATIONS`.
    static func name(_ operation: UInt16) -> String { names[Int(operation)] }
}
