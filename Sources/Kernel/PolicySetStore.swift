import CABI
import CLibBPF
import Core
import Glibc

/// The map `sets`: each set an array of its own, complete before it is put there.
final class PolicySetStore {
    private let outer: Int32

    init(_ descriptor: Int32) { outer = descriptor }

    /// Puts a set's image at `index`. The kernel waits until no program runs any more that could have seen what was there before.
    func install(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) throws(PortcullisError) {
        let pageCells = Int(PC_PAGE_CELLS)
        let pages = compiled.cells.count / pageCells
        var options = bpf_map_create_opts()
        options.sz = MemoryLayout<bpf_map_create_opts>.size
        options.map_flags = UInt32(BPF_F_INNER_MAP.rawValue)
        let inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_set", 4, UInt32(pageCells * 8), UInt32(pages), &options)
        guard inner >= 0 else { throw PortcullisError(.kernel, "making a policy set of \(pages) pages", errno: -inner) }
        defer { close(inner) }
        var cells = compiled.cells
        cells.withUnsafeMutableBytes { bytes in
            var header = bytes.loadUnaligned(as: pc_set_header.self)
            header.generation = generation
            header.digest = compiled.digest
            bytes.storeBytes(of: header, as: pc_set_header.self)
        }
        for page in 0..<UInt32(pages) {
            var key = page
            let result = cells.withUnsafeBytes { bpf_map_update_elem(inner, &key, $0.baseAddress.map { $0 + Int(page) * pageCells * 8 }, 0) }
            guard result == 0 else { throw PortcullisError(.kernel, "writing page \(page) of a policy set", errno: errno) }
        }
        // Nobody writes it again, this daemon included.
        _ = bpf_map_freeze(inner)
        var key = index
        var value = inner
        guard bpf_map_update_elem(outer, &key, &value, 0) == 0 else {
            throw PortcullisError(.kernel, "putting a policy set in place", errno: errno)
        }
    }

    /// Removes a set that no slot names any more; its memory goes when the last program that might read it has ended.
    func remove(_ index: UInt32) throws(PortcullisError) {
        var key = index
        guard bpf_map_delete_elem(outer, &key) == 0 || errno == ENOENT else {
            throw PortcullisError(.kernel, "removing a policy set", errno: errno)
        }
    }

    /// What an earlier daemon left there.
    func installed() throws(PortcullisError) -> [InstalledPolicySet] {
        var found: [InstalledPolicySet] = []
        for index in 1..<UInt32(PC_SETS_MAX) {
            var key = index
            var identifier: UInt32 = 0
            guard bpf_map_lookup_elem(outer, &key, &identifier) == 0 else { continue }
            let inner = bpf_map_get_fd_by_id(identifier)
            guard inner >= 0 else { continue }
            defer { close(inner) }
            var info = bpf_map_info()
            var size = UInt32(MemoryLayout<bpf_map_info>.size)
            var page = [UInt64](repeating: 0, count: Int(PC_PAGE_CELLS))
            var first: UInt32 = 0
            guard bpf_obj_get_info_by_fd(inner, &info, &size) == 0, bpf_map_lookup_elem(inner, &first, &page) == 0 else { continue }
            let header = page.withUnsafeBytes { $0.loadUnaligned(as: pc_set_header.self) }
            found.append(
                InstalledPolicySet(index: index, generation: header.generation, digest: header.digest, pages: Int(info.max_entries)))
        }
        return found
    }
}
