import CABI

/// What telemetry tells of which system calls (syscalls(2) and the page of each).
enum ReportedCall {
    /// Arguments are numbered from 1; 0: there is none.
    private struct Form {
        let type: pc_event_type
        let visibility: pc_see_flag
        let operation: pc_operation
        var shape = PC_CALL_PLAIN
        var path: UInt8 = 0
        var directory: UInt8 = 0
        var otherPath: UInt8 = 0
        var otherDirectory: UInt8 = 0
        let names: [String]

        static func file(
            _ operation: pc_operation, _ names: [String], shape: pc_call_shape = PC_CALL_PLAIN, path: UInt8 = 0, directory: UInt8 = 0,
            otherPath: UInt8 = 0, otherDirectory: UInt8 = 0
        ) -> Form {
            Form(
                type: PC_EVENT_FILE, visibility: PC_SEE_FILE, operation: operation, shape: shape, path: path, directory: directory,
                otherPath: otherPath, otherDirectory: otherDirectory, names: names)
        }

        static func network(_ operation: pc_operation, _ names: [String], shape: pc_call_shape) -> Form {
            Form(type: PC_EVENT_NETWORK, visibility: PC_SEE_NETWORK, operation: operation, shape: shape, names: names)
        }

        /// What may be a message to a name server.
        static func query(_ names: [String], shape: pc_call_shape) -> Form {
            Form(type: PC_EVENT_NETWORK, visibility: PC_SEE_DNS, operation: PC_OPERATION_DNS, shape: shape, names: names)
        }

        /// What is done to the tree of files is seen with files, the rest with processes.
        static func call(
            _ operation: pc_operation, _ names: [String], visibility: pc_see_flag = PC_SEE_PROCESS, shape: pc_call_shape = PC_CALL_PLAIN, path: UInt8 = 0,
            directory: UInt8 = 0, otherPath: UInt8 = 0, otherDirectory: UInt8 = 0
        ) -> Form {
            Form(
                type: PC_EVENT_SYSCALL, visibility: visibility, operation: operation, shape: shape, path: path, directory: directory,
                otherPath: otherPath, otherDirectory: otherDirectory, names: names)
        }
    }

    private static let forms: [Form] = [
        .file(PC_OPERATION_OPEN, ["open", "creat"], shape: PC_CALL_OPENS, path: 1),
        .file(PC_OPERATION_OPEN, ["openat", "openat2"], shape: PC_CALL_OPENS, path: 2, directory: 1),
        // A handle is not text: the path is known if it opens.
        .file(PC_OPERATION_OPEN, ["open_by_handle_at"], shape: PC_CALL_OPENS),
        .file(PC_OPERATION_TRUNCATE, ["truncate", "truncate64"], path: 1),
        .file(PC_OPERATION_TRUNCATE, ["ftruncate", "ftruncate64"], shape: PC_CALL_FILE),
        .file(PC_OPERATION_UNLINK, ["unlink"], path: 1),
        .file(PC_OPERATION_UNLINK, ["unlinkat"], path: 2, directory: 1),
        .file(PC_OPERATION_RMDIR, ["rmdir"], path: 1),
        .file(PC_OPERATION_MKDIR, ["mkdir"], path: 1),
        .file(PC_OPERATION_MKDIR, ["mkdirat"], path: 2, directory: 1),
        .file(PC_OPERATION_MKNOD, ["mknod"], path: 1),
        .file(PC_OPERATION_MKNOD, ["mknodat"], path: 2, directory: 1),
        .file(PC_OPERATION_SYMLINK, ["symlink"], path: 2, otherPath: 1),
        .file(PC_OPERATION_SYMLINK, ["symlinkat"], path: 3, directory: 2, otherPath: 1),
        .file(PC_OPERATION_LINK, ["link"], path: 1, otherPath: 2),
        .file(PC_OPERATION_LINK, ["linkat"], path: 2, directory: 1, otherPath: 4, otherDirectory: 3),
        .file(PC_OPERATION_RENAME, ["rename"], path: 1, otherPath: 2),
        .file(PC_OPERATION_RENAME, ["renameat", "renameat2"], path: 2, directory: 1, otherPath: 4, otherDirectory: 3),
        .file(PC_OPERATION_CHMOD, ["chmod"], path: 1),
        .file(PC_OPERATION_CHMOD, ["fchmodat", "fchmodat2"], path: 2, directory: 1),
        .file(PC_OPERATION_CHMOD, ["fchmod"], shape: PC_CALL_FILE),
        .file(PC_OPERATION_CHOWN, ["chown", "lchown", "chown32", "lchown32"], path: 1),
        .file(PC_OPERATION_CHOWN, ["fchownat"], path: 2, directory: 1),
        .file(PC_OPERATION_CHOWN, ["fchown", "fchown32"], shape: PC_CALL_FILE),

        .network(PC_OPERATION_SOCKET, ["socket"], shape: PC_CALL_SOCKET),
        .network(PC_OPERATION_CONNECT, ["connect"], shape: PC_CALL_CONNECT),
        .network(PC_OPERATION_BIND, ["bind"], shape: PC_CALL_BIND),
        .network(PC_OPERATION_LISTEN, ["listen"], shape: PC_CALL_LISTEN),
        .network(PC_OPERATION_ACCEPT, ["accept", "accept4"], shape: PC_CALL_ACCEPT),
        .network(PC_OPERATION_SOCKET, ["socketcall"], shape: PC_CALL_SOCKETCALL),

        .query(["write"], shape: PC_CALL_WRITE),
        // The latter writes to a socket where its offset is -1.
        .query(["writev", "pwritev2"], shape: PC_CALL_WRITEV),
        .query(["sendto"], shape: PC_CALL_SEND),
        .query(["sendmsg"], shape: PC_CALL_SENDMSG),
        .query(["sendmmsg"], shape: PC_CALL_SENDMMSG),

        .call(PC_OPERATION_MOUNT, ["mount"], visibility: PC_SEE_FILE, path: 2, otherPath: 1),
        .call(PC_OPERATION_MOUNT, ["move_mount"], visibility: PC_SEE_FILE, path: 4, directory: 3, otherPath: 2, otherDirectory: 1),
        .call(PC_OPERATION_MOUNT, ["mount_setattr"], visibility: PC_SEE_FILE, path: 2, directory: 1),
        .call(PC_OPERATION_UNMOUNT, ["umount", "umount2"], visibility: PC_SEE_FILE, path: 1),
        .call(PC_OPERATION_PIVOT_ROOT, ["pivot_root"], visibility: PC_SEE_FILE, path: 1, otherPath: 2),
        .call(PC_OPERATION_CHROOT, ["chroot"], visibility: PC_SEE_FILE, path: 1),
        .call(PC_OPERATION_SETUID, ["setuid", "setreuid", "setresuid", "setfsuid", "setuid32", "setreuid32", "setresuid32", "setfsuid32"]),
        .call(
            PC_OPERATION_SETGID,
            ["setgid", "setregid", "setresgid", "setfsgid", "setgroups", "setgid32", "setregid32", "setresgid32", "setfsgid32", "setgroups32"]),
        .call(PC_OPERATION_CAPSET, ["capset"]),
        .call(PC_OPERATION_PTRACE, ["ptrace"]),
        .call(PC_OPERATION_SETNS, ["setns"]),
        .call(PC_OPERATION_UNSHARE, ["unshare"]),
        .call(
            PC_OPERATION_SYSCALL,
            [
                "process_vm_readv", "process_vm_writev", "bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
                "reboot", "sethostname", "setdomainname", "settimeofday", "clock_settime", "add_key", "keyctl",
            ]),
        Form(type: PC_EVENT_EXEC_FAILED, visibility: PC_SEE_PROCESS, operation: PC_OPERATION_EXEC, path: 1, names: ["execve"]),
        Form(type: PC_EVENT_EXEC_FAILED, visibility: PC_SEE_PROCESS, operation: PC_OPERATION_EXEC, path: 2, directory: 1, names: ["execveat"]),
    ]

    /// By number, those of the machine's own ABI and behind them those of the 32-bit one.
    static func table() -> [pc_call] {
        var table = [pc_call](repeating: pc_call(), count: 2 * Int(PC_SYSCALLS_MAX))
        for form in forms {
            var call = pc_call()
            call.visibility = UInt8(form.visibility.rawValue)
            call.type = UInt8(form.type.rawValue)
            call.operation = UInt8(form.operation.rawValue)
            call.shape = UInt8(form.shape.rawValue)
            (call.path, call.directory, call.other_path, call.other_directory) = (form.path, form.directory, form.otherPath, form.otherDirectory)
            for name in form.names {
                for (other, number) in (SystemCall(named: name)?.numbers ?? []).enumerated() {
                    if let number { table[other * Int(PC_SYSCALLS_MAX) + number] = call }
                }
            }
        }
        return table
    }
}

extension SystemCall {
    /// `pc_call` of each number: what telemetry reads of it.
    public static func reported() -> [pc_call] { ReportedCall.table() }
}
