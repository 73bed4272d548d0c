import CABI
import CLibBPF
import CLinux
import Core
import Glibc

/// What a daemon of an earlier ABI version has pinned beside this version's directory. Everything is read by the names of members, which keep their
/// meaning for good:
///
/// | map | members |
/// | --- | --- |
/// | meta | `abi` (the first), `capacity`, `label_store`, `fork_by_lsm`, `enforce_object` |
/// | slots | `state`, `mount_sequence`, `root`, `paused_until`, `policy` |
/// | identities | `mount_namespace`, `pid_namespace`; `mount_sequence`, `slot_and_generation` |
/// | records | `slot`, `chunk`; `generation`, `length`, `bytes`, which hold what `ContainerRecord` reads |
/// | labels, labels_hash | `slot`, `generation`, `flags`, `setup_mount` |
/// | switches | `host_policy`, `host_paused_until` |
/// | guard | `on` |
final class FormerPins {
    let directory: String
    let version: UInt32
    let capacity: Int
    let labelStore: Variant.LabelStore
    let forkByLSM: Bool
    /// That version's programs enforce.
    let enforces: Bool
    let slots: FormerMap
    let labels: FormerMap
    /// Slots and the host's switches, mapped: a word is stored where the programs look.
    private let slotWords: MappedArray<UInt8>
    private let switchWords: MappedArray<UInt8>
    private let policy: pc_member
    private let state: pc_member
    private let hostPolicy: pc_member

    /// The latest earlier version in the directories beside `directory`; nil if there is none, or `directory` is not named after this version.
    ///
    /// - Throws: `.conflict` if what is there belongs to a later version, or is guarded.
    static func find(beside directory: String) throws(PortcullisError) -> FormerPins? {
        var latest: (version: UInt32, path: String)?
        for other in others(beside: directory) {
            guard !GuardPrograms.isLockedOut(other.path) else {
                throw PortcullisError(.conflict, "\(other.path) is guarded by another version of this program: have that one unlock it first (portcullis unlock)")
            }
            guard let version = version(in: other.path) else { continue }
            guard version <= abiVersion else {
                throw PortcullisError(
                    .conflict, "\(other.path) holds what a later version has pinned (ABI \(version), this program has \(abiVersion)): have that one remove it first (portcullis down --remove)")
            }
            if version > latest?.version ?? 0 { latest = (version, other.path) }
        }
        guard let latest else { return nil }
        return try FormerPins(latest.path, version: latest.version)
    }

    /// Directories of other versions: `v1` beside `v2`.
    static func others(beside directory: String) -> [(path: String, number: UInt32)] {
        guard let end = directory.lastIndex(of: "/"), directory[end...] == "/v\(abiVersion)" else { return [] }
        let parent = String(directory[..<end])
        return (DirectoryNames.read(parent) ?? []).compactMap { name in
            guard name.hasPrefix("v"), let number = UInt32(name.dropFirst()), name == "v\(number)", number != abiVersion else { return nil }
            return ("\(parent)/\(name)", number)
        }
    }

    /// Removes what starts of other versions have left that were cut off before they were through. No daemon relies on it.
    static func removeUnfinished(beside directory: String) throws(PortcullisError) {
        for other in others(beside: directory) where version(in: other.path) == nil {
            try BPFFileSystem.lock(other.path)
            try PinDirectory.remove(other.path)
        }
    }

    /// The version of what is pinned there; nil if nothing was ever attached.
    private static func version(in directory: String) -> UInt32? {
        let descriptor = bpf_obj_get("\(directory)/meta")
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0, info.value_size >= 4 else { return nil }
        var value = [UInt8](repeating: 0, count: Int(info.value_size))
        var key: UInt32 = 0
        guard bpf_map_lookup_elem(descriptor, &key, &value) == 0 else { return nil }
        let version = FormerMap.number(pc_member(at: 0, size: 4), in: value)
        return version == 0 ? nil : UInt32(version)
    }

    private init(_ directory: String, version: UInt32) throws(PortcullisError) {
        self.directory = directory
        self.version = version
        let meta = try FormerMap("\(directory)/meta")
        let values = try meta.only()
        func value(_ name: String) throws(PortcullisError) -> UInt64 { FormerMap.number(try meta.number(name), in: values) }
        capacity = Int(try value("capacity"))
        guard let store = Variant.LabelStore(rawValue: UInt32(truncatingIfNeeded: try value("label_store"))) else {
            throw PortcullisError(.conflict, "\(directory) keeps labels where this version does not know to look")
        }
        labelStore = store
        forkByLSM = try value("fork_by_lsm") != 0
        enforces = try value("enforce_object") != 0
        slots = try FormerMap("\(directory)/slots")
        guard capacity > 0, capacity <= Int(PC_CAPACITY_MAX), slots.entries == capacity else {
            throw PortcullisError(.conflict, "\(directory) has \(slots.entries) slots for \(capacity) containers")
        }
        labels = try FormerMap("\(directory)/\(store == .tasks ? "labels" : "labels_hash")")
        // An array's elements are 8 bytes apart or a multiple of it.
        slotWords = try MappedArray(slots.descriptor, count: capacity * ((slots.valueBytes + 7) / 8 * 8), name: slots.path)
        policy = try slots.number("policy")
        state = try slots.number("state")
        let switches = try FormerMap("\(directory)/switches")
        switchWords = try MappedArray(switches.descriptor, count: switches.valueBytes, name: switches.path)
        hostPolicy = try switches.number("host_policy")
        for (name, member) in [("policy", policy), ("state", state), ("host_policy", hostPolicy)] where member.size != 8 {
            throw PortcullisError(.conflict, "\(directory): \(name) has \(member.size) bytes: this version does not know how to take it over")
        }
    }

    private func word(_ slot: Int, _ member: pc_member) -> UnsafeMutablePointer<UInt64>? {
        slotWords.elements.baseAddress.map { UnsafeMutableRawPointer($0 + slot * ((slots.valueBytes + 7) / 8 * 8) + Int(member.at)).assumingMemoryBound(to: UInt64.self) }
    }

    private var hostWord: UnsafeMutablePointer<UInt64>? {
        switchWords.elements.baseAddress.map { UnsafeMutableRawPointer($0 + Int(hostPolicy.at)).assumingMemoryBound(to: UInt64.self) }
    }

    /// Whether the container of this use of a slot, or the host, has policies there.
    func hasPolicies(_ reference: SlotReference?) -> Bool {
        guard let reference else { return hostWord.map { pcl_load($0) } ?? 0 != 0 }
        guard Int(reference.slot) < capacity, let state = word(Int(reference.slot), state), pcl_load(state) >> 32 == UInt64(reference.generation),
            let policy = word(Int(reference.slot), policy)
        else { return false }
        return pcl_load(policy) != 0
    }

    /// Takes the policies from everybody, so that no program whose judge goes is asked about any more.
    func dropPolicies() {
        for slot in 0..<capacity { if let word = word(slot, policy) { pcl_store(word, 0) } }
        if let hostWord { pcl_store(hostWord, 0) }
    }

    /// Switches that version's guard off, for good: from here on this version's own stands before both.
    func stopGuarding() throws(PortcullisError) {
        guard access("\(directory)/guard", F_OK) == 0 else { return }
        let map = try FormerMap("\(directory)/guard")
        let on = try map.number("on")
        var value = try map.only()
        for index in Int(on.at)..<Int(on.at + on.size) { value[index] = 0 }
        try map.setOnly(value)
    }

    /// Its link, program and map pins are gone then, and the kernel lets go of what they held.
    ///
    /// - Returns: Pins that were removed.
    @discardableResult func remove() throws(PortcullisError) -> Int {
        dropPolicies()
        return try PinDirectory.remove(directory)
    }
}
