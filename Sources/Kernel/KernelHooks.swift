import CLibBPF

/// The LSM hooks and tracepoints that this kernel lets programs attach to. Its types are read once: there are megabytes of them, and `libbpf_find_vmlinux_btf_id` would read
/// them anew for each hook.
final class KernelHooks {
    /// Nil without BTF; then there is no hook.
    private let types: OpaquePointer?

    /// BTF_KIND_FUNC (include/uapi/linux/btf.h), which both libbpf and the kernel's header define.
    private static let functionKind: UInt32 = 12
    private static let typedefKind: UInt32 = 8

    init() { types = btf__load_vmlinux_btf() }

    deinit { btf__free(types) }

    /// A hook is the function that the kernel keeps for it, `bpf_lsm_<hook>` (include/linux/bpf_lsm.h).
    func has(_ hook: String) -> Bool {
        guard let types else { return false }
        return btf__find_by_name_kind(types, "bpf_lsm_" + hook, Self.functionKind) > 0
    }

    /// How many parameters a program has at a tracepoint (`tp_btf`); nil if there is no such tracepoint.
    func parameters(ofTracepoint name: String) -> Int? {
        guard let types else { return nil }
        // A typedef of a pointer to a function, whose first parameter is not the program's.
        let identifier = btf__find_by_name_kind(types, "btf_trace_" + name, Self.typedefKind)
        guard identifier > 0, let alias = btf__type_by_id(types, UInt32(identifier)), let pointer = btf__type_by_id(types, alias.pointee.type),
            let function = btf__type_by_id(types, pointer.pointee.type)
        else { return nil }
        return Int(function.pointee.info & 0xFFFF) - 1
    }
}
