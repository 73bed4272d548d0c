import CABI
import CLibBPF
import Core
import Glibc

/// A pinned map of another ABI version. Where the members of its values are is read from the map's own BTF, by their names.
final class FormerMap {
    let path: String
    let descriptor: Int32
    let entries: Int
    private let keyBytes: Int
    /// Bytes of one value.
    let valueBytes: Int
    private let keyMembers: [String: pc_member]
    private let valueMembers: [String: pc_member]

    /// - Throws: `.kernel` if there is no such map, or it does not say what is in it.
    init(_ path: String) throws(PortcullisError) {
        self.path = path
        let descriptor = bpf_obj_get(path)
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening \(path)", errno: -descriptor) }
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0, let types = btf__load_from_kernel_by_id(info.btf_id) else {
            let error = errno
            close(descriptor)
            throw PortcullisError(.kernel, "reading what is in \(path)", errno: error)
        }
        defer { btf__free(types) }
        // Of a map with a value for each CPU a look-up writes as many.
        let isPlain = [BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_TASK_STORAGE].contains { $0.rawValue == info.type }
        guard isPlain, info.key_size > 0, info.value_size > 0 else {
            close(descriptor)
            throw PortcullisError(.conflict, "\(path) is a map of type \(info.type): this version does not know how to take it over")
        }
        self.descriptor = descriptor
        entries = Int(info.max_entries)
        keyBytes = Int(info.key_size)
        valueBytes = Int(info.value_size)
        keyMembers = Self.members(types, info.btf_key_type_id)
        valueMembers = Self.members(types, info.btf_value_type_id)
    }

    deinit { close(descriptor) }

    /// A struct's members (struct btf_type, include/uapi/linux/btf.h); none of what is no struct. Offsets are in bits there.
    private static func members(_ types: OpaquePointer, _ identifier: UInt32) -> [String: pc_member] {
        let structKind: UInt32 = 4
        guard let type = btf__type_by_id(types, identifier), type.pointee.info >> 24 & 0x1f == structKind else { return [:] }
        let list = UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_member.self)
        var found: [String: pc_member] = [:]
        for member in UnsafeBufferPointer(start: list, count: Int(type.pointee.info & 0xffff)) {
            guard let name = btf__name_by_offset(types, member.name_off) else { continue }
            let size = btf__resolve_size(types, member.type)
            if size > 0 { found[String(cString: name)] = pc_member(at: member.offset / 8, size: UInt32(size)) }
        }
        return found
    }

    // MARK: Members

    enum Part { case key, value }

    /// Where a member is.
    ///
    /// - Throws: `.conflict` if that version has none, or one that lies outside of the value.
    func member(_ name: String, of part: Part = .value) throws(PortcullisError) -> pc_member {
        guard let member = part == .key ? keyMembers[name] : valueMembers[name],
            Int(member.at) + Int(member.size) <= (part == .key ? keyBytes : valueBytes)
        else { throw PortcullisError(.conflict, "\(path) has nothing called \(name): this version does not know how to take it over") }
        return member
    }

    /// A member that is a number of 4 or 8 bytes.
    func number(_ name: String, of part: Part = .value) throws(PortcullisError) -> pc_member {
        let member = try member(name, of: part)
        guard member.size == 4 || member.size == 8, member.at % member.size == 0 else {
            throw PortcullisError(.conflict, "\(path): \(name) has \(member.size) bytes: this version does not know how to take it over")
        }
        return member
    }

    /// A number that is one of 32 bits in this version.
    ///
    /// - Throws: `.conflict` if it does not fit.
    static func word(_ member: pc_member, in bytes: [UInt8], _ what: String) throws(PortcullisError) -> UInt32 {
        guard let word = UInt32(exactly: number(member, in: bytes)) else { throw PortcullisError(.conflict, "\(what) is no number of 32 bits there") }
        return word
    }

    static func number(_ member: pc_member, in bytes: [UInt8]) -> UInt64 {
        bytes[Int(member.at)..<Int(member.at + member.size)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Contents

    /// Every key with its value.
    func all() throws(PortcullisError) -> [(key: [UInt8], value: [UInt8])] {
        var found: [(key: [UInt8], value: [UInt8])] = []
        var key = [UInt8](repeating: 0, count: keyBytes)
        var next = key
        var result = bpf_map_get_next_key(descriptor, nil, &next)
        while result == 0 {
            key = next
            if let value = try value(key) { found.append((key, value)) }
            result = bpf_map_get_next_key(descriptor, key, &next)
        }
        guard errno == ENOENT else { throw PortcullisError(.kernel, "reading \(path)", errno: errno) }
        return found
    }

    /// The value of a key; nil if there is none.
    func value(_ key: [UInt8]) throws(PortcullisError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: valueBytes)
        guard bpf_map_lookup_elem(descriptor, key, &value) != 0 else { return value }
        guard errno == ENOENT else { throw PortcullisError(.kernel, "reading \(path)", errno: errno) }
        return nil
    }

    /// The only element of an array of one.
    func only() throws(PortcullisError) -> [UInt8] {
        try value([UInt8](repeating: 0, count: keyBytes)) ?? [UInt8](repeating: 0, count: valueBytes)
    }

    /// Changes a number of the only element.
    func setOnly(_ name: String, to number: UInt64) throws(PortcullisError) {
        let member = try self.number(name)
        var value = try only()
        for index in 0..<Int(member.size) { value[Int(member.at) + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))) }
        guard bpf_map_update_elem(descriptor, [UInt8](repeating: 0, count: keyBytes), value, 0) == 0 else {
            throw PortcullisError(.kernel, "writing \(path)", errno: errno)
        }
    }
}
