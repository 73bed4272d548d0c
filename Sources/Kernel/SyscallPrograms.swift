import CABI
import CLibBPF
import CObjects
import Core
import Glibc

/// The programs behind rules about system calls. They deny nothing, and nobody would read what they say without a daemon: so they are not pinned, and end with it.
final class SyscallPrograms {
    private let object: BPFObject
    private let attachesOnce: Bool
    private var links: [(name: String, link: OpaquePointer)] = []

    /// Tracepoints in use.
    var attached: [String] { links.map(\.name) }

    init(directory: String, reduced: Bool, configure: (BPFObject) throws(PortcullisError) -> Void) throws(PortcullisError) {
        attachesOnce = reduced
        object = try BPFObject(reduced ? pco_syscalls_reduced() : pco_syscalls(), pinDirectory: directory)
        try configure(object)
        try object.load()
        var key: UInt32 = 0
        var paths = SystemCall.paths()
        guard bpf_map_update_elem(try object.mapDescriptor("syscall_paths"), &key, &paths, 0) == 0 else {
            throw PortcullisError(.kernel, "writing which arguments of system calls are paths", errno: errno)
        }
        try attachEnds()
    }

    deinit { for entry in links { bpf_link__destroy(entry.link) } }

    /// No rule needs them any more. False if they cannot be attached again, as up to 5.12: then this is of no use afterwards.
    func detach() -> Bool {
        for entry in links { bpf_link__destroy(entry.link) }
        links = []
        return !attachesOnce
    }

    /// The ends of calls are seen.
    func attachEnds() throws(PortcullisError) {
        guard !attached.contains("sys_exit") else { return }
        // What hooks kept of calls whose ends nobody saw.
        var key: UInt64 = 0
        let kept = try object.mapDescriptor("deferred")
        while bpf_map_get_next_key(kept, nil, &key) == 0, bpf_map_delete_elem(kept, &key) == 0 {}
        try attach("pc_sys_exit", "sys_exit")
    }

    /// Calls that never return are seen when they begin.
    func attachEndless() throws(PortcullisError) {
        guard !attached.contains("sys_enter") else { return }
        try attach("pc_sys_enter", "sys_enter")
    }

    private func attach(_ program: String, _ name: String) throws(PortcullisError) {
        guard let link = bpf_program__attach(try object.program(program)) else { throw PortcullisError(.kernel, "attaching \(program)", errno: errno) }
        links.append((name, link))
    }
}
