import CLibBPF
import Core
import Glibc

/// Typed access to one map by its descriptor. `Key` and `Value` are the structs of abi.h, passed as they are.
struct BPFMap<Key: BitwiseCopyable, Value: BitwiseCopyable> {
    let name: String
    let descriptor: Int32

    /// The value of a key; nil if there is none.
    func lookup(_ key: Key, zero: Value) throws(PortcullisError) -> Value? {
        var key = key
        var value = zero
        guard bpf_map_lookup_elem(descriptor, &key, &value) != 0 else { return value }
        guard errno == ENOENT else { throw PortcullisError(.kernel, "reading the map \(name)", errno: errno) }
        return nil
    }

    func update(_ key: Key, _ value: Value, _ flags: UInt64 = UInt64(BPF_ANY)) throws(PortcullisError) {
        var key = key
        var value = value
        guard bpf_map_update_elem(descriptor, &key, &value, flags) == 0 else {
            // E2BIG is a hash's word for "full" (bpf(2)).
            throw PortcullisError(errno == E2BIG ? .full : .kernel, "writing the map \(name)", errno: errno)
        }
    }

    /// Removes a key; that there was none is no error.
    func remove(_ key: Key) throws(PortcullisError) {
        var key = key
        guard bpf_map_delete_elem(descriptor, &key) == 0 || errno == ENOENT else {
            throw PortcullisError(.kernel, "deleting from the map \(name)", errno: errno)
        }
    }

    /// All keys. Another writer's changes may or may not be among them.
    func keys(zero: Key) throws(PortcullisError) -> [Key] {
        var keys: [Key] = []
        var next = zero
        guard bpf_map_get_next_key(descriptor, nil, &next) == 0 else { return keys }
        while true {
            keys.append(next)
            var current = next
            if bpf_map_get_next_key(descriptor, &current, &next) != 0 { return keys }
        }
    }
}
