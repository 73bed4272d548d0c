import CLibBPF
import CObjects
import Core
import Glibc

/// One eBPF object: opened from memory, adjusted, loaded.
///
/// libbpf finds maps that are pinned under `pinDirectory` already and uses those, after comparing their definition with the
/// object's; the others it creates and pins.
final class BPFObject {
    let name: String
    let raw: OpaquePointer
    /// FNV-1a of the packed object file: whether what is attached was built from the same source.
    let hash: UInt64

    init(_ embedded: pco_object, pinDirectory: String) throws(PortcullisError) {
        name = String(cString: embedded.name)
        guard embedded.size > 0 else {
            throw PortcullisError(.kernel, "this program was built without its eBPF objects (build it with make)")
        }
        hash = Self.hash(UnsafeRawBufferPointer(start: embedded.bytes, count: embedded.size))
        var size = 0
        guard let object = pco_unpack(embedded, &size) else { throw PortcullisError(.kernel, "unpacking the eBPF object \(name)", errno: ENOMEM) }
        defer { free(object) }
        var options = bpf_object_open_opts()
        options.sz = MemoryLayout<bpf_object_open_opts>.size
        let opened = name.withCString { name in
            pinDirectory.withCString { directory in
                options.object_name = name
                options.pin_root_path = directory
                return bpf_object__open_mem(object, size, &options)
            }
        }
        guard let opened else { throw PortcullisError(.kernel, "opening the eBPF object \(name)", errno: errno) }
        raw = opened
    }

    deinit { bpf_object__close(raw) }

    func map(_ name: String) throws(PortcullisError) -> OpaquePointer {
        guard let map = bpf_object__find_map_by_name(raw, name) else {
            throw PortcullisError(.kernel, "the eBPF object \(self.name) has no map \(name)")
        }
        return map
    }

    func program(_ name: String) throws(PortcullisError) -> OpaquePointer {
        guard let program = bpf_object__find_program_by_name(raw, name) else {
            throw PortcullisError(.kernel, "the eBPF object \(self.name) has no program \(name)")
        }
        return program
    }

    func has(program: String) -> Bool { bpf_object__find_program_by_name(raw, program) != nil }

    func mapDescriptor(_ name: String) throws(PortcullisError) -> Int32 { bpf_map__fd(try map(name)) }

    func setEntries(_ map: String, _ count: Int) throws(PortcullisError) {
        try check(bpf_map__set_max_entries(try self.map(map), UInt32(count)), "sizing the map \(map)")
    }

    /// Leaves a map out; the code that names it must be dead for the verifier.
    func omit(map: String) throws(PortcullisError) {
        try check(bpf_map__set_autocreate(try self.map(map), false), "leaving the map \(map) out")
    }

    func omit(program: String) throws(PortcullisError) {
        try check(bpf_program__set_autoload(try self.program(program), false), "leaving the program \(program) out")
    }

    /// Uses another object's map of the same name instead of one of its own.
    func share(map: String, of other: BPFObject) throws(PortcullisError) {
        try check(bpf_map__reuse_fd(try self.map(map), try other.mapDescriptor(map)), "sharing the map \(map)")
    }

    /// Before the load, for a program that takes the place of a function: the loaded program that it is checked against.
    func aim(program: String, at function: String, of target: Int32) throws(PortcullisError) {
        try check(
            bpf_program__set_attach_target(try self.program(program), target, function), "aiming the program \(program) at \(function)")
    }

    /// Keeps all maps to itself: none is taken over and none pinned.
    func unpinMaps() throws(PortcullisError) {
        var map = bpf_object__next_map(raw, nil)
        while let current = map {
            try check(bpf_map__set_pin_path(current, nil), "keeping a map of \(name) unpinned")
            map = bpf_object__next_map(raw, current)
        }
    }

    /// Sets the read-only data, which is one 32-bit word: `label_store`.
    func setReadOnlyWord(_ value: UInt32) throws(PortcullisError) {
        // libbpf names the section's map after the first 8 bytes of the object's name.
        let map = try map(String(name.prefix(8)) + ".rodata")
        var word = value
        try check(bpf_map__set_initial_value(map, &word, MemoryLayout<UInt32>.size), "setting the read-only data of \(name)")
    }

    /// Sets a section of read-only data that has a name of its own.
    func setReadOnlyData<Value: BitwiseCopyable>(_ section: String, _ value: inout Value) throws(PortcullisError) {
        try check(bpf_map__set_initial_value(try map(section), &value, MemoryLayout<Value>.size), "setting \(section) of \(name)")
    }

    /// The same of an array that fills the section.
    func setReadOnlyData<Value: BitwiseCopyable>(_ section: String, _ values: [Value]) throws(PortcullisError) {
        let map = try map(section)
        try check(values.withUnsafeBytes { bpf_map__set_initial_value(map, $0.baseAddress, $0.count) }, "setting \(section) of \(name)")
    }

    /// Uses a map that exists in the place of one of its own, whatever the size of its values.
    func use(_ descriptor: Int32, asMap map: String) throws(PortcullisError) {
        try check(bpf_map__reuse_fd(try self.map(map), descriptor), "using a map as \(map)")
    }

    func descriptor(ofProgram name: String) throws(PortcullisError) -> Int32 { bpf_program__fd(try program(name)) }

    func load() throws(PortcullisError) {
        let result = bpf_object__load(raw)
        guard result == 0 else {
            let detail = LibBPFMessages.shared.lastLines()
            throw PortcullisError(
                .kernel, "loading the eBPF object \(name)" + (detail.isEmpty ? "" : " (\(detail))"), errno: -result)
        }
    }

    private func check(_ result: Int32, _ action: String) throws(PortcullisError) {
        guard result == 0 else { throw PortcullisError(.kernel, action, errno: -result) }
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
