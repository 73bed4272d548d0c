import CLibBPF
import Core
import Glibc

/// Waits until every eBPF program that runs now has ended.
///
/// The kernel waits for that whenever a map is put into a map of maps (`maybe_wait_bpf_programs`, kernel 4.19 and later), so that whoever
/// replaces one may reuse what it referred to: a replacement that changes nothing is a way to ask for the wait alone.
final class GracePeriod {
    private let outer: Int32
    private let inner: Int32

    init() throws(PortcullisError) {
        let inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pc_grace_inner", 4, 4, 1, nil)
        guard inner >= 0 else { throw PortcullisError(.kernel, "making a map to wait for programs with", errno: -inner) }
        var options = bpf_map_create_opts()
        options.sz = MemoryLayout<bpf_map_create_opts>.size
        options.inner_map_fd = UInt32(inner)
        let outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "pc_grace", 4, 4, 1, &options)
        guard outer >= 0 else {
            close(inner)
            throw PortcullisError(.kernel, "making a map to wait for programs with", errno: -outer)
        }
        self.inner = inner
        self.outer = outer
    }

    deinit {
        close(inner)
        close(outer)
    }

    /// Returns when no program that ran at the call is still running; some ten milliseconds.
    func wait() throws(PortcullisError) {
        var key: UInt32 = 0
        var value = inner
        guard bpf_map_update_elem(outer, &key, &value, 0) == 0 else {
            throw PortcullisError(.kernel, "waiting for programs to end", errno: errno)
        }
    }
}
