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
/// | guard | `on`, `unlocked_until` |
///
/// Links are pinned as `link_<program>`, among them `link_pc_fork` for as long as labels are kept up there.
final class FormerPins {
    /// Pinned for as long as that version gives labels to children, and takes them from the dead. The first pin to go.
    static let labellingLink = "link_pc_fork"

    let directory: String
    let version: UInt32
    let capacity: Int
    let labelStore: Variant.LabelStore
    let forkByLSM: Bool
    /// That version's programs enforce.
    let enforces: Bool
    let slots: FormerMap
    let labels: FormerMap
    let words: PinnedWords

    /// The earlier version in the directories beside `directory`; nil if there is none, or `directory` is not named after this version.
    ///
    /// - Throws: `.conflict` if what is there belongs to a later version, to two earlier ones, or is guarded.
    static func find(beside directory: String) throws(PortcullisError) -> FormerPins? {
        let earlier = try earlier(beside: directory)
        guard earlier.count < 2 else {
            throw PortcullisError(
                .conflict, "\(earlier[0].path) and \(earlier[1].path) both hold what an earlier version has pinned: only one can be taken over (portcullisd --remove takes all away)")
        }
        return try earlier.first.map { found throws(PortcullisError) in try FormerPins(found.path, version: found.version) }
    }

    /// Directories of earlier versions whose programs are in force.
    static func earlier(beside directory: String) throws(PortcullisError) -> [(path: String, version: UInt32)] {
        var found: [(path: String, version: UInt32)] = []
        for path in try others(beside: directory) {
            guard !GuardPrograms.isLockedOut(path) else {
                throw PortcullisError(.conflict, "\(path) is guarded by another version of this program: have that one unlock it first (portcullis unlock)")
            }
            guard let version = try version(in: path) else { continue }
            guard version < abiVersion else { throw laterVersion(path, version) }
            found.append((path, version))
        }
        return found
    }

    private static func laterVersion(_ path: String, _ version: UInt32) -> PortcullisError {
        PortcullisError(
            .conflict, "\(path) holds what a later version has pinned (ABI \(version), this program has \(abiVersion)): have that one remove it first (portcullis down --remove)")
    }

    /// Directories of other versions: `v1` beside `v2`.
    private static func others(beside directory: String) throws(PortcullisError) -> [String] {
        guard let end = directory.lastIndex(of: "/"), directory[end...] == "/v\(abiVersion)" else { return [] }
        let parent = String(directory[..<end])
        return try DirectoryNames.read(parent).compactMap { name in
            guard name.hasPrefix("v"), let number = UInt32(name.dropFirst()), name == "v\(number)", number != abiVersion else { return nil }
            return "\(parent)/\(name)"
        }
    }

    /// Removes what starts of other versions have left that were cut off before they were through. No daemon relies on it.
    static func removeUnfinished(beside directory: String) throws(PortcullisError) {
        for path in try others(beside: directory) where try version(in: path) == nil {
            try BPFFileSystem.lock(path)
            try PinDirectory.remove(path)
        }
    }

    /// The version of what is pinned there; nil if that is nothing, or nothing whole.
    ///
    /// - Throws: Whatever keeps that from being known: what cannot be looked at is not taken for nothing.
    static func version(in directory: String) throws(PortcullisError) -> UInt32? {
        let descriptor = bpf_obj_get("\(directory)/meta")
        guard descriptor >= 0 else {
            guard -descriptor != ENOENT else { return nil }
            throw PortcullisError(.kernel, "opening \(directory)/meta", errno: -descriptor)
        }
        defer { close(descriptor) }
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { throw PortcullisError(.kernel, "reading what \(directory)/meta is", errno: errno) }
        guard info.type == BPF_MAP_TYPE_ARRAY.rawValue, info.key_size == 4, info.value_size >= 4 else {
            throw PortcullisError(.conflict, "\(directory)/meta is nothing that any version of this program has pinned")
        }
        var value = [UInt8](repeating: 0, count: Int(info.value_size))
        var key: UInt32 = 0
        guard bpf_map_lookup_elem(descriptor, &key, &value) == 0 else { throw PortcullisError(.kernel, "reading \(directory)/meta", errno: errno) }
        let version = UInt32(truncatingIfNeeded: FormerMap.number(pc_member(at: 0, size: 4), in: value))
        return version == 0 ? nil : version
    }

    private init(_ directory: String, version: UInt32) throws(PortcullisError) {
        self.directory = directory
        self.version = version
        let meta = try FormerMap("\(directory)/meta")
        let values = try meta.only()
        func value(_ name: String) throws(PortcullisError) -> UInt64 { FormerMap.number(try meta.number(name), in: values) }
        guard let store = Variant.LabelStore(rawValue: UInt32(truncatingIfNeeded: try value("label_store"))) else {
            throw PortcullisError(.conflict, "\(directory) keeps labels where this version does not know to look")
        }
        labelStore = store
        forkByLSM = try value("fork_by_lsm") != 0
        enforces = try value("enforce_object") != 0
        slots = try FormerMap("\(directory)/slots")
        capacity = slots.entries
        guard capacity > 0, capacity <= Int(PC_CAPACITY_MAX), try value("capacity") == UInt64(capacity) else {
            throw PortcullisError(.conflict, "\(directory) has \(slots.entries) slots, which is not its capacity")
        }
        labels = try FormerMap("\(directory)/\(store == .tasks ? "labels" : "labels_hash")")
        words = try PinnedWords(directory)
    }

    /// Whether that version still gives labels and takes them away: once it does not, the address of a task may be another's.
    var keepsLabels: Bool { access("\(directory)/\(Self.labellingLink)", F_OK) == 0 }

    /// Whether the container of this use of a slot, or the host (nil), has policies there.
    func hasPolicies(_ reference: SlotReference?) -> Bool {
        guard let reference else { return words.policy(nil) != 0 }
        return Int(reference.slot) < capacity && words.generation(reference.slot) == reference.generation && words.policy(reference.slot) != 0
    }

    /// Switches that version's guard off, for good.
    func stopGuarding() throws(PortcullisError) {
        guard access("\(directory)/guard", F_OK) == 0 else { return }
        try FormerMap("\(directory)/guard").setOnly("on", to: 0)
    }
}
