import CABI
import CLibBPF
import CObjects
import Glibc
import Testing

/// The ABI as the built objects have it: every shared struct's size and members, from their BTF, against Swift's view of the
/// same header.
@Suite struct LayoutTests {
    struct Layout {
        let name: String
        let size: Int
        /// Member to byte offset.
        let members: [String: Int?]

        init<Struct>(_ name: String, _ type: Struct.Type, _ members: [String: PartialKeyPath<Struct>]) {
            self.name = name
            size = MemoryLayout<Struct>.size
            self.members = members.mapValues { MemoryLayout<Struct>.offset(of: $0) }
        }
    }

    static let layouts = [
        Layout("pc_identity_key", pc_identity_key.self, ["mount_namespace": \.mount_namespace, "pid_namespace": \.pid_namespace]),
        Layout("pc_identity", pc_identity.self, ["mount_sequence": \.mount_sequence, "slot_and_generation": \.slot_and_generation]),
        Layout("pc_slot", pc_slot.self, ["policy": \.policy, "state": \.state, "mount_sequence": \.mount_sequence, "tasks": \.tasks, "root": \.root, "paused_until": \.paused_until, "visibility": \.visibility]),
        Layout("pc_label", pc_label.self, ["slot": \.slot, "generation": \.generation, "flags": \.flags, "source_class": \.source_class, "setup_mount": \.setup_mount, "source_policy": \.source_policy, "reported": \.reported]),
        Layout("pc_record_key", pc_record_key.self, ["slot": \.slot, "chunk": \.chunk]),
        Layout("pc_record", pc_record.self, ["generation": \.generation, "length": \.length, "bytes": \.bytes]),
        Layout("pc_probe", pc_probe.self, [
            "status": \.status, "pid": \.pid, "task": \.task, "start_time": \.start_time, "mount_namespace": \.mount_namespace,
            "pid_namespace": \.pid_namespace, "user_namespace": \.user_namespace, "uid": \.uid, "mount_sequence": \.mount_sequence,
            "root_mount": \.root_mount, "root": \.root, "cgroup": \.cgroup, "executed": \.executed, "reserved": \.reserved,
        ]),
        Layout("pc_labelling", pc_labelling.self, ["pass": \.pass, "given": \.given, "failed": \.failed, "reserved": \.reserved]),
        Layout("pc_event", pc_event.self, [
            "type": \.type, "flags": \.flags, "source": \.source, "label_flags": \.label_flags, "slot": \.slot,
            "generation": \.generation, "time": \.time, "start_time": \.start_time, "pid": \.pid, "namespace_pid": \.namespace_pid,
            "parent_pid": \.parent_pid, "parent_namespace_pid": \.parent_namespace_pid, "uid": \.uid, "gid": \.gid,
            "mount_namespace": \.mount_namespace, "pid_namespace": \.pid_namespace, "exit_code": \.exit_code, "result": \.result,
            "operation": \.operation, "cpu": \.cpu, "syscall": \.syscall, "registers": \.registers, "owner": \.owner, "capability": \.capability,
            "socket_family": \.socket_family, "socket_type": \.socket_type, "socket_protocol": \.socket_protocol, "port": \.port, "address": \.address,
            "executable_length": \.executable_length, "parent_length": \.parent_length, "arguments_length": \.arguments_length,
            "directory_length": \.directory_length, "path_length": \.path_length, "other_path_length": \.other_path_length, "comm": \.comm,
            "parent_comm": \.parent_comm, "tty": \.tty, "reserved": \.reserved,
        ]),
        Layout("pc_call", pc_call.self, [
            "visibility": \.visibility, "type": \.type, "operation": \.operation, "shape": \.shape, "path": \.path, "directory": \.directory,
            "other_path": \.other_path, "other_directory": \.other_directory,
        ]),
        Layout("pc_slot_empty", pc_slot_empty.self, ["slot": \.slot, "generation": \.generation]),
        Layout("pc_label_line", pc_label_line.self, ["slot": \.slot, "generation": \.generation, "pid": \.pid, "thread": \.thread]),
        Layout("pc_switches", pc_switches.self, ["host_visibility": \.host_visibility, "any_visibility": \.any_visibility, "host_policy": \.host_policy, "host_paused_until": \.host_paused_until, "daemon": \.daemon, "daemon_start": \.daemon_start]),
        Layout("pc_meta", pc_meta.self, [
            "abi": \.abi, "capacity": \.capacity, "label_store": \.label_store, "fork_by_lsm": \.fork_by_lsm,
            "identity_object": \.identity_object, "observe_object": \.observe_object, "enforce_object": \.enforce_object,
        ]),
        Layout("pc_guard", pc_guard.self, [
            "on": \.on, "unlocked_until": \.unlocked_until, "directory": \.directory, "mount": \.mount, "file_system": \.file_system, "object": \.object,
        ]),
        Layout("pc_guard_file", pc_guard_file.self, ["inode": \.inode, "device": \.device, "inode_generation": \.inode_generation]),
        Layout("pc_guard_id", pc_guard_id.self, ["kind": \.kind, "id": \.id]),
        Layout("pc_guard_mark", pc_guard_mark.self, ["start_time": \.start_time, "rights": \.rights, "reserved": \.reserved]),
        Layout("pc_set_header", pc_set_header.self, [
            "generation": \.generation, "cells": \.cells, "decisions": \.decisions, "sources": \.sources, "terminals": \.terminals,
            "reserved": \.reserved, "start": \.start, "classes": \.classes,
        ]),
        Layout("pc_syscall_set", pc_syscall_set.self, ["listed": \.listed]),
        Layout("pc_syscall_paths", pc_syscall_paths.self, ["argument": \.argument, "endless": \.endless]),
        Layout("pc_member", pc_member.self, ["at": \.at, "size": \.size]),
        Layout("pc_former_label", pc_former_label.self, [
            "slot": \.slot, "generation": \.generation, "flags": \.flags, "setup_mount": \.setup_mount,
        ]),
        Layout("pc_set_entry", pc_set_entry.self, ["generation": \.generation, "pages": \.pages, "digest": \.digest]),
        Layout("pc_alert", pc_alert.self, [
            "operation": \.operation, "reason": \.reason, "source": \.source, "automaton": \.automaton, "decision": \.decision,
            "slot": \.slot, "generation": \.generation, "set": \.set, "set_generation": \.set_generation, "write": \.write,
            "time": \.time, "start_time": \.start_time, "pid": \.pid, "namespace_pid": \.namespace_pid, "parent_pid": \.parent_pid,
            "parent_namespace_pid": \.parent_namespace_pid, "uid": \.uid, "owner": \.owner, "path_length": \.path_length,
            "executable_length": \.executable_length, "parent_length": \.parent_length, "port": \.port, "address": \.address,
            "address_family": \.address_family, "syscall": \.syscall, "result": \.result, "raw_path": \.raw_path, "comm": \.comm,
            "parent_comm": \.parent_comm, "cpu": \.cpu, "arguments_length": \.arguments_length, "directory_length": \.directory_length, "flags": \.flags,
            "argument_count": \.argument_count, "reserved": \.reserved, "tty": \.tty,
        ]),
    ]

    /// Structs that only one object uses are missing from the other's BTF.
    private func compare(_ object: pco_object) throws -> Set<String> {
        try #require(object.size > 0, "the eBPF objects are not built: run make bpf")
        var size = 0
        let bytes = try #require(pco_unpack(object, &size))
        defer { free(bytes) }
        let raw = try #require(bpf_object__open_mem(bytes, size, nil))
        defer { bpf_object__close(raw) }
        let types = try #require(bpf_object__btf(raw))
        var found: Set<String> = []
        for layout in Self.layouts {
            let identifier = btf__find_by_name_kind(types, layout.name, UInt32(BTF_KIND_STRUCT))
            guard identifier > 0, let type = btf__type_by_id(types, UInt32(identifier)) else { continue }
            found.insert(layout.name)
            #expect(Int(type.pointee.size) == layout.size, "size of \(layout.name)")
            let count = Int(type.pointee.info & 0xFFFF)
            #expect(count == layout.members.count, "members of \(layout.name)")
            let members = UnsafeRawPointer(type + 1).assumingMemoryBound(to: btf_member.self)
            for index in 0..<count {
                let name = String(cString: btf__name_by_offset(types, members[index].name_off))
                let offset = try #require(layout.members[name], "\(layout.name).\(name) is unknown to Swift")
                #expect(Int(members[index].offset) == offset.map { $0 * 8 }, "offset of \(layout.name).\(name)")
            }
        }
        return found
    }

    @Test func aDamagedObjectIsRefused() throws {
        let whole = pco_takeover()
        try #require(whole.size > 100, "the eBPF objects are not built: run make bpf")
        var size = 0
        #expect(pco_unpack(pco_object(name: whole.name, bytes: whole.bytes, size: 10), &size) == nil)
        // The last four bytes of what is left are taken to be the size: too much, or too little for what comes.
        for end in [whole.size - 1, whole.size / 2] { #expect(pco_unpack(pco_object(name: whole.name, bytes: whole.bytes, size: end), &size) == nil, "cut at \(end)") }
        var bytes = Array(UnsafeRawBufferPointer(start: whole.bytes, count: whole.size))
        bytes[whole.size / 2] ^= 0xFF
        #expect(bytes.withUnsafeBytes { pco_unpack(pco_object(name: whole.name, bytes: $0.baseAddress, size: $0.count), &size) } == nil)
    }

    @Test func objectsAgreeWithSwift() throws {
        let found = try compare(pco_identity()).union(compare(pco_observe())).union(compare(pco_telemetry())).union(compare(pco_enforce())).union(compare(pco_judge())).union(compare(pco_syscalls())).union(compare(pco_guard())).union(compare(pco_takeover()))
        #expect(found == Set(Self.layouts.map(\.name)), "not in any object: \(Set(Self.layouts.map(\.name)).subtracting(found))")
    }
}
