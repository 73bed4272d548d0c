import CABI
import CLibBPF
import Core
import Glibc

/// The map `sets`: each set an array of its own, complete before it is put there.
final class PolicySetStore {
    private let outer: Int32
    private let entries: MappedArray<pc_set_entry>
    private let systemCalls: Int32
    private let grace: GracePeriod

    init(sets: Int32, entries: Int32, systemCalls: Int32) throws(PortcullisError) {
        outer = sets
        self.systemCalls = systemCalls
        self.entries = try MappedArray(entries, count: Int(PC_SETS_MAX), name: "set_entries")
        grace = try GracePeriod()
    }

    /// Puts a set's image at `index`. The kernel waits until no program runs any more that could have seen what was there before.
    func install(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) throws(PortcullisError) {
        let pageCells = Int(PC_PAGE_CELLS)
        let pages = compiled.cells.count / pageCells
        var options = bpf_map_create_opts()
        options.sz = MemoryLayout<bpf_map_create_opts>.size
        options.map_flags = UInt32(BPF_F_INNER_MAP)
        let inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_set", 4, UInt32(pageCells * 8), UInt32(pages), &options)
        guard inner >= 0 else { throw PortcullisError(.kernel, "making a policy set of \(pages) pages", errno: -inner) }
        defer { close(inner) }
        var cells = compiled.cells
        cells.withUnsafeMutableBytes { bytes in
            var header = bytes.loadUnaligned(as: pc_set_header.self)
            header.generation = generation
            bytes.storeBytes(of: header, as: pc_set_header.self)
        }
        for page in 0..<UInt32(pages) {
            var key = page
            let result = cells.withUnsafeBytes { bpf_map_update_elem(inner, &key, $0.baseAddress.map { $0 + Int(page) * pageCells * 8 }, 0) }
            guard result == 0 else { throw PortcullisError(.kernel, "writing page \(page) of a policy set", errno: errno) }
        }
        // Nobody writes it again, this daemon included.
        _ = bpf_map_freeze(inner)
        entries.elements[0].generation = generation
        // First, so that a set that is there is never one that nobody knows of.
        entries.elements[Int(index)] = pc_set_entry(generation: generation, pages: UInt32(pages), digest: compiled.digest)
        var key = index
        var value = inner
        guard bpf_map_update_elem(outer, &key, &value, 0) == 0 else {
            throw PortcullisError(.kernel, "putting a policy set in place", errno: errno)
        }
    }

    /// Says which system calls the set's rules list.
    func noteSystemCalls(_ index: UInt32, _ compiled: CompiledPolicySet) throws(PortcullisError) {
        var key = index
        var listed = compiled.systemCalls()
        guard bpf_map_update_elem(systemCalls, &key, &listed, 0) == 0 else {
            throw PortcullisError(.kernel, "writing the system calls of a policy set", errno: errno)
        }
    }

    /// Removes sets that no slot names any more; their memory goes when the last program that might read it has ended.
    func remove(_ indices: [UInt32]) throws(PortcullisError) {
        guard !indices.isEmpty else { return }
        // A verdict under way may have read the word of a slot that was switched since, and be about to look the set up.
        try grace.wait()
        for index in indices {
            var key = index
            guard bpf_map_delete_elem(outer, &key) == 0 || errno == ENOENT else {
                throw PortcullisError(.kernel, "removing a policy set", errno: errno)
            }
            entries.elements[Int(index)] = pc_set_entry()
        }
    }

    /// Kept at index 0, which no set has, because the sets themselves come and go.
    var lastGeneration: UInt32 { entries.elements[0].generation }

    /// What an earlier daemon left there.
    func installed() -> [InstalledPolicySet] {
        (1..<UInt32(PC_SETS_MAX)).compactMap { index in
            let entry = entries.elements[Int(index)]
            guard entry.pages > 0 else { return nil }
            return InstalledPolicySet(index: index, generation: entry.generation, digest: entry.digest, pages: Int(entry.pages))
        }
    }
}
