import CABI
import CLibBPF
import CLinux
import Core
import Glibc

/// Sees a process through its pidfd: namespaces, sequences, start time and credentials in one run of an eBPF program.
///
/// `/proc` would take five opens, none of them at the same moment as another; a program run by BPF_PROG_TEST_RUN takes one
/// call of about a microsecond and sees one process at one time. It reads the daemon's descriptor table, which is why it needs
/// a descriptor of the daemon's own.
final class ProcessProbe {
    private let program: Int32
    private let result: MappedArray<pc_probe>

    init(program: Int32, resultMap: Int32) throws(PortcullisError) {
        self.program = program
        result = try MappedArray(resultMap, count: 1, name: "probe_result")
    }

    /// What the process behind the pidfd is; nil if it has ended or is ending. `pid` must be what the pidfd was opened with.
    func identify(_ descriptor: Int32, pid: UInt32) throws(PortcullisError) -> ProcessIdentity? {
        var arguments = (UInt64(UInt32(bitPattern: descriptor)), UInt64(pid))
        var options = bpf_test_run_opts()
        options.sz = MemoryLayout<bpf_test_run_opts>.size
        let size = MemoryLayout.size(ofValue: arguments)
        let failed = withUnsafeMutablePointer(to: &arguments) { pointer in
            options.ctx_in = UnsafeRawPointer(pointer)
            options.ctx_size_in = UInt32(size)
            return bpf_prog_test_run_opts(program, &options)
        }
        guard failed == 0 else { throw PortcullisError(.kernel, "running the process probe", errno: errno) }
        let found = result.elements[0]
        switch found.status {
        case PC_PROBE_FOUND.rawValue:
            return ProcessIdentity(
                pid: found.pid, task: found.task, startTime: found.start_time,
                key: NamespaceKey(mount: found.mount_namespace, pid: found.pid_namespace), mountSequence: found.mount_sequence,
                userNamespace: found.user_namespace, uid: found.uid, rootMount: found.root_mount, root: found.root,
                cgroup: found.cgroup, hasExecuted: found.executed != 0)
        case PC_PROBE_GONE.rawValue:
            return nil
        default:
            throw PortcullisError(.kernel, "the process probe does not understand this kernel's pidfd (status \(found.status))")
        }
    }

    /// Probes this very process and compares with `/proc/self/ns`, so that a kernel whose structs have moved is noticed before
    /// anything rests on them. Returns what it found.
    func selfTest() throws(PortcullisError) -> ProcessIdentity {
        let descriptor = pcl_pidfd_open(getpid())
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening a pidfd of this process", errno: -descriptor) }
        defer { close(descriptor) }
        guard let found = try identify(descriptor, pid: UInt32(getpid())) else {
            throw PortcullisError(.kernel, "the process probe cannot see this process")
        }
        let namespaces = [("mnt", found.key.mount), ("pid", found.key.pid), ("user", found.userNamespace)]
        for (name, number) in namespaces {
            var info = stat()
            guard stat("/proc/self/ns/\(name)", &info) == 0 else {
                throw PortcullisError(.kernel, "reading /proc/self/ns/\(name)", errno: errno)
            }
            guard info.st_ino == UInt(number) else {
                throw PortcullisError(
                    .kernel, "the process probe reads this kernel wrongly: \(name) namespace \(number), /proc says \(info.st_ino)")
            }
        }
        return found
    }
}
