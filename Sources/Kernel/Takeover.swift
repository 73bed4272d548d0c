import CABI
import CLibBPF
import CLinux
import CObjects
import Core
import Glibc

/// The way from an earlier ABI version's programs to this one's: containers, keys and every task's label are brought over, both enforce until this version's
/// policies are in place, and only then the others go.
///
/// The former daemon is dead (its lock is held), its programs are not: they label, count and judge all the time. So the order is: slots and records, so that a
/// label has what it counts in; this version's programs, which from then on keep up with forks, execs and exits; labels, in looks at all tasks until one
/// finds none to move; the keys last, because what is known by its key alone would be taken for one that entered.
final class Takeover {
    /// Looks at most. A task that forks while it is not moved yet needs another look, and its children have numbers behind the look.
    private static let lookLimit = 32

    let former: FormerPins
    private let identity: BPFObject
    private let mover: BPFObject
    private let moving: MappedArray<pc_labelling>
    private let slots: MappedArray<pc_slot>
    /// Labels that were moved.
    private(set) var moved = 0

    /// - Parameter identity: This version's, loaded.
    init(_ former: FormerPins, identity: BPFObject, variant: Variant, directory: String, configure: (BPFObject) throws(PortcullisError) -> Void) throws(PortcullisError) {
        self.former = former
        self.identity = identity
        mover = try BPFObject(pco_takeover(), pinDirectory: directory)
        try configure(mover)
        let labels = former.labels
        var members = pc_former_label(
            slot: try labels.number("slot"), generation: try labels.number("generation"), flags: try labels.number("flags"), setup_mount: try labels.number("setup_mount"))
        try mover.setReadOnlyData(".rodata.former", &members)
        let used = variant.labelStore == .tasks ? "former_labels" : "former_labels_hash"
        try mover.use(labels.descriptor, asMap: used)
        try mover.omit(map: variant.labelStore == .tasks ? "former_labels_hash" : "former_labels")
        try mover.load()
        moving = try MappedArray(mover.mapDescriptor("moving"), count: 1, name: "moving")
        slots = try MappedArray(identity.mapDescriptor("slots"), count: variant.capacity, name: "slots")
    }

    /// Before this version's programs are attached. No container has policies here yet.
    func bringSlots() throws(PortcullisError) {
        let map = former.slots
        let state = try map.number("state"), sequence = try map.number("mount_sequence"), root = try map.number("root"), paused = try map.number("paused_until")
        for (index, value) in try formerSlots() {
            var slot = pc_slot()
            slot.state = FormerMap.number(state, in: value)
            slot.mount_sequence = FormerMap.number(sequence, in: value)
            slot.root = FormerMap.number(root, in: value)
            slot.paused_until = FormerMap.number(paused, in: value)
            slots.elements[index] = slot
        }
        let switches = try FormerMap("\(former.directory)/switches")
        let hostPaused = FormerMap.number(try switches.number("host_paused_until"), in: try switches.only())
        let own = try MappedArray<pc_switches>(identity.mapDescriptor("switches"), count: 1, name: "switches")
        withExtendedLifetime(own) { own.elements[0].host_paused_until = hostPaused }
        try bringRecords()
    }

    private func bringRecords() throws(PortcullisError) {
        let store = RecordStore(try identity.mapDescriptor("records"))
        let map = try FormerMap("\(former.directory)/records")
        let slot = try map.number("slot", of: .key), number = try map.number("chunk", of: .key)
        let generation = try map.number("generation"), length = try map.number("length"), bytes = try map.member("bytes")
        var chunks: [UInt64: [(number: UInt64, value: [UInt8])]] = [:]
        for (key, value) in try map.all() { chunks[FormerMap.number(slot, in: key), default: []].append((FormerMap.number(number, in: key), value)) }
        for (slot, parts) in chunks {
            let parts = parts.sorted { $0.number < $1.number }
            // One that was being written or removed when its daemon ended is no record.
            guard let first = parts.first, first.number == 0 else { continue }
            let use = FormerMap.number(generation, in: first.value), wanted = FormerMap.number(length, in: first.value)
            let content = parts.prefix { FormerMap.number(generation, in: $0.value) == use }.flatMap { $0.value[Int(bytes.at)..<Int(bytes.at + bytes.size)] }
            guard UInt64(content.count) >= wanted, slot < UInt64(slots.elements.count), let use = UInt32(exactly: use) else { continue }
            try store.set(SlotReference(slot: UInt32(slot), generation: use), Array(content.prefix(Int(wanted))))
        }
    }

    /// When this version's programs are attached.
    ///
    /// - Throws: `.full` if a label cannot be kept.
    func bringLabels() throws(PortcullisError) {
        try move(PC_MOVING_ALL)
        try bringRoots()
        let keys = BPFMap<pc_identity_key, pc_identity>(name: "identities", descriptor: try identity.mapDescriptor("identities"))
        let map = try FormerMap("\(former.directory)/identities")
        let mount = try map.number("mount_namespace", of: .key), pid = try map.number("pid_namespace", of: .key)
        let sequence = try map.number("mount_sequence"), slot = try map.number("slot_and_generation")
        for (key, value) in try map.all() {
            try keys.update(
                pc_identity_key(mount_namespace: try FormerMap.word(mount, in: key, "a namespace"), pid_namespace: try FormerMap.word(pid, in: key, "a namespace")),
                pc_identity(mount_sequence: FormerMap.number(sequence, in: value), slot_and_generation: FormerMap.number(slot, in: value)))
        }
        try move(PC_MOVING_ALL)
    }

    /// Of a container that left its setup between the copy of its slot and the start of this version's programs.
    private func bringRoots() throws(PortcullisError) {
        let root = try former.slots.number("root")
        for (index, value) in try formerSlots() where slots.elements[index].root == 0 { slots.elements[index].root = FormerMap.number(root, in: value) }
    }

    private func formerSlots() throws(PortcullisError) -> [(index: Int, value: [UInt8])] {
        // An array's keys are numbers of 32 bits.
        try former.slots.all().map { (Int(FormerMap.number(pc_member(at: 0, size: 4), in: $0.key)), $0.value) }.filter { $0.0 < slots.elements.count }
    }

    /// Takes the policies there from everybody but those who have none here yet. What a container, a pause or a change of policies is to that version it never
    /// learns again.
    ///
    /// - Parameter kept: Slots, nil for the host.
    func release(except kept: Set<UInt32?>) throws(PortcullisError) {
        let released = ((0..<UInt32(former.capacity)).map(Optional.some) + [nil]).filter { !kept.contains($0) && former.words.policy($0) != 0 }
        guard !released.isEmpty else { return }
        try moveRest()
        for slot in released { former.words.setPolicy(0, slot) }
    }

    /// Lets the earlier version go. What it labelled until now and was not seen here is moved first.
    func finish() throws(PortcullisError) {
        try moveRest()
        try PinDirectory.remove(former.directory, former.words)
    }

    private func moveRest() throws(PortcullisError) { if former.keepsLabels { try move(PC_MOVING_REST) } }

    private func move(_ pass: pc_moving_pass) throws(PortcullisError) {
        let program = try mover.program("pc_move_labels")
        var failed: UInt32 = 0
        for _ in 0..<Self.lookLimit {
            moving.elements[0] = pc_labelling(pass: pass.rawValue, given: 0, failed: 0, reserved: 0)
            try TaskIterator.run(program, "moving labels")
            let found = moving.elements[0]
            moved += Int(found.given)
            if found.given == 0, found.failed == 0 { return }
            // The kernel refuses one now and then for what another processor does at that moment.
            failed = found.failed
        }
        guard failed == 0 else { throw PortcullisError(.full, "\(failed) tasks could not be given the label that they have in \(former.directory)") }
        throw PortcullisError(.kernel, "labels were still to be moved after \(Self.lookLimit) looks at all tasks")
    }
}
