import CABI
import CLibBPF
import CLinux
import Core
import Glibc

/// `KernelMaps` on the real kernel.
public final class PinnedMaps: KernelMaps, PolicySetMaps {
    public let capacity: Int
    public let hostKeys: Set<NamespaceKey>
    /// This process as the kernel sees it: what a peer is compared with.
    public let daemon: ProcessIdentity
    /// The namespaces of process 1; nil if they cannot be read.
    public let host: NamespaceKey?
    private let hostRoot: UInt64

    private let probe: ProcessProbe
    private let slots: MappedArray<pc_slot>
    private let switches: MappedArray<pc_switches>
    private let identitiesMap: BPFMap<pc_identity_key, pc_identity>
    private let records: RecordStore
    private let counters: Int32
    private let verdictCounts: Int32
    private let labels: LabelStore
    private let labelling: TaskLabelling
    private let programs: KernelPrograms
    private let setStore: PolicySetStore?
    /// Files known by identity.
    public let files: FileIdentities

    public init(_ programs: KernelPrograms) throws(PortcullisError) {
        self.programs = programs
        let object = programs.identity
        let variant = programs.variant
        capacity = variant.capacity
        probe = try ProcessProbe(
            program: bpf_program__fd(try object.program("pc_probe")), resultMap: object.mapDescriptor("probe_result"))
        slots = try MappedArray(object.mapDescriptor("slots"), count: capacity, name: "slots")
        switches = try MappedArray(object.mapDescriptor("switches"), count: 1, name: "switches")
        identitiesMap = BPFMap(name: "identities", descriptor: try object.mapDescriptor("identities"))
        setStore = try programs.enforce.map { programs throws(PortcullisError) in 
            try PolicySetStore(
                sets: programs.object.mapDescriptor("sets"), entries: programs.object.mapDescriptor("set_entries"),
                systemCalls: programs.object.mapDescriptor("syscall_sets"))
        }
        records = RecordStore(try object.mapDescriptor("records"))
        counters = try object.mapDescriptor("counters")
        verdictCounts = try object.mapDescriptor("verdicts")
        labels = LabelStore(
            kind: variant.labelStore, descriptor: try object.mapDescriptor(variant.labelStore == .tasks ? "labels" : "labels_hash"))
        labelling = try TaskLabelling(
            program: object.program("pc_label_tasks"), control: object.mapDescriptor("labelling"), cgroups: object.mapDescriptor("labelling_cgroups"))
        files = try FileIdentities(
            program: bpf_program__fd(try object.program("pc_probe_file")), resultMap: object.mapDescriptor("file_result"),
            files: object.mapDescriptor("files"))
        daemon = try probe.selfTest()
        var host: ProcessIdentity?
        let descriptor = pcl_pidfd_open(1)
        if descriptor >= 0 {
            host = try probe.identify(descriptor, pid: 1)
            close(descriptor)
        }
        self.host = host?.key
        hostRoot = (host ?? daemon).root
        // From here on the host's own policy is not for this process.
        switches.elements[0].daemon = 0
        switches.elements[0].daemon_start = daemon.startTime
        switches.elements[0].daemon = daemon.task
        hostKeys = Set([daemon.key] + (host.map { [$0.key] } ?? []))
    }

    // MARK: Processes

    public func openProcess(_ pid: UInt32) throws(PortcullisError) -> Int32 {
        let descriptor = pcl_pidfd_open(Int32(bitPattern: pid))
        guard descriptor >= 0 else {
            throw PortcullisError(-descriptor == ESRCH ? .processGone : .system, "opening process \(pid)", errno: -descriptor)
        }
        return descriptor
    }

    public func identify(_ descriptor: Int32, pid: UInt32) throws(PortcullisError) -> ProcessIdentity? {
        try probe.identify(descriptor, pid: pid)
    }

    public func hasEnded(_ descriptor: Int32) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 0) > 0
    }

    public func closeProcess(_ descriptor: Int32) { close(descriptor) }

    // MARK: Slots

    private func entry(_ slot: UInt32) -> UnsafeMutablePointer<pc_slot> {
        precondition(Int(slot) < capacity, "slot out of range")
        guard let base = slots.elements.baseAddress else { preconditionFailure("a mapped array has an address") }
        return base + Int(slot)
    }

    private static func word(_ pointer: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64> { pointer }

    public func slot(_ index: UInt32) -> SlotContent {
        let entry = entry(index)
        let state = pcl_load(&entry.pointee.state)
        return SlotContent(
            state: SlotState(rawValue: UInt32(truncatingIfNeeded: state)) ?? .retired, generation: UInt32(state >> 32),
            mountSequence: entry.pointee.mount_sequence, tasks: pcl_add(&entry.pointee.tasks, 0))
    }

    public func activate(_ reference: SlotReference, mountSequence: UInt64, policy: UInt64, visibility: UInt64, root: UInt64) {
        let entry = entry(reference.slot)
        entry.pointee.policy = setStore == nil ? PolicyWord.withoutFlags(policy) : policy
        // A container on the host's own root has no tree to be told by.
        entry.pointee.root = root == hostRoot ? 0 : root
        entry.pointee.paused_until = 0
        entry.pointee.visibility = visibility
        entry.pointee.mount_sequence = mountSequence
        entry.pointee.tasks = 1
        // Last, and atomically: until now no reader believes the rest.
        setState(.active, of: reference)
    }

    public func countInit(of reference: SlotReference) { _ = pcl_add(&entry(reference.slot).pointee.tasks, 1) }

    public func setState(_ state: SlotState, of reference: SlotReference) {
        pcl_store(&entry(reference.slot).pointee.state, UInt64(reference.generation) << 32 | UInt64(state.rawValue))
    }

    // MARK: Keys

    public func identity(_ key: NamespaceKey) throws(PortcullisError) -> SlotReference? {
        try identitiesMap.lookup(Self.key(key), zero: pc_identity()).map { Self.reference($0.slot_and_generation) }
    }

    public func setIdentity(_ key: NamespaceKey, _ reference: SlotReference, mountSequence: UInt64) throws(PortcullisError) {
        let both = UInt64(reference.generation) << 32 | UInt64(reference.slot)
        try identitiesMap.update(Self.key(key), pc_identity(mount_sequence: mountSequence, slot_and_generation: both))
    }

    public func removeIdentity(_ key: NamespaceKey) throws(PortcullisError) { try identitiesMap.remove(Self.key(key)) }

    public func identities() throws(PortcullisError) -> [(key: NamespaceKey, reference: SlotReference)] {
        var found: [(key: NamespaceKey, reference: SlotReference)] = []
        for key in try identitiesMap.keys(zero: pc_identity_key()) {
            guard let value = try identitiesMap.lookup(key, zero: pc_identity()) else { continue }
            found.append((NamespaceKey(mount: key.mount_namespace, pid: key.pid_namespace), Self.reference(value.slot_and_generation)))
        }
        return found
    }

    private static func key(_ key: NamespaceKey) -> pc_identity_key {
        pc_identity_key(mount_namespace: key.mount, pid_namespace: key.pid)
    }

    private static func reference(_ both: UInt64) -> SlotReference {
        SlotReference(slot: UInt32(truncatingIfNeeded: both), generation: UInt32(both >> 32))
    }

    // MARK: Labels

    public func label(_ descriptor: Int32, _ process: ProcessIdentity) throws(PortcullisError) -> SlotReference? {
        try labels.label(descriptor, process).map { SlotReference(slot: $0.slot, generation: $0.generation) }
    }

    public func setLabel(
        _ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference, stage: LabelStage
    ) throws(PortcullisError) {
        var label = pc_label()
        label.slot = reference.slot
        label.generation = reference.generation
        if stage != .started { label.flags = PC_LABEL_SETUP.rawValue }
        // The mount of one that is created already is its own; without one to compare with, any exec ends the setup.
        if stage == .setup { label.setup_mount = process.rootMount }
        // A label is nearly always the first one, and then nothing has to be looked up.
        if try labels.giveLabel(descriptor, process, label) { return cleanStray(descriptor, process) }
        let before = try self.label(descriptor, process)
        try labels.setLabel(descriptor, process, label)
        cleanStray(descriptor, process)
        if let before, before != reference, Int(before.slot) < capacity, slot(before.slot).generation == before.generation {
            _ = pcl_add(&entry(before.slot).pointee.tasks, -1)
        }
    }

    public func endSetup(_ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference) throws(PortcullisError) {
        guard let label = try labels.label(descriptor, process), label.flags & PC_LABEL_SETUP.rawValue != 0 else { return }
        let entry = entry(reference.slot)
        // First, so that nothing is judged without it.
        if entry.pointee.root == 0, process.root != hostRoot { entry.pointee.root = process.root }
        try setLabel(descriptor, process, reference, stage: .started)
    }

    /// An entry of a task that ended meanwhile would stay in the hash for good; task storage goes with its task.
    private func cleanStray(_ descriptor: Int32, _ process: ProcessIdentity) {
        if labels.kind == .hash, hasEnded(descriptor) { labels.removeStray(process) }
    }

    /// Labels the tasks that these containers had before they were registered. Returns how many were given one, how many could not be, and whether the last
    /// look at them found none any more.
    public func labelTasks(
        of containers: [(reference: SlotReference, cgroup: UInt64)]
    ) throws(PortcullisError) -> (given: Int, failed: Int, isSettled: Bool) {
        try labelling.run(containers)
    }

    public func countLabels() throws(PortcullisError) -> [SlotReference: Int] {
        try LabelListing(program: programs.identity.program("pc_list_labels")).counts()
    }

    // MARK: Records

    public func setRecord(_ reference: SlotReference, _ bytes: [UInt8]) throws(PortcullisError) { try records.set(reference, bytes) }

    public func record(_ reference: SlotReference) throws(PortcullisError) -> [UInt8]? { try records.record(reference) }

    public func removeRecords(unless inUse: (UInt32) -> Bool) throws(PortcullisError) { try records.remove(unless: inUse) }

    /// Slots that have a record.
    public func countRecords() throws(PortcullisError) -> Int { try records.count() }

    public func removeRecord(_ slot: UInt32) throws(PortcullisError) { try records.remove(slot) }

    // MARK: Policy sets

    public var setLimit: UInt32 { UInt32(PC_SETS_MAX) }

    public func installSet(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) throws(PortcullisError) {
        try setStore?.install(index, compiled, generation: generation)
    }

    public func noteSystemCalls(_ index: UInt32, _ compiled: CompiledPolicySet) throws(PortcullisError) {
        guard let setStore, compiled.flags & PC_SET_SYSCALLS.rawValue != 0 else { return }
        try setStore.noteSystemCalls(index, compiled)
        if compiled.listsEndlessCalls { try programs.enforce?.attachEndlessCalls() }
    }

    public func removeSets(_ indices: [UInt32]) throws(PortcullisError) { try setStore?.remove(indices) }

    public func installedSets() throws(PortcullisError) -> [InstalledPolicySet] { setStore?.installed() ?? [] }

    /// Whether a container has left its setup, as far as is known: its root is known from its first exec on.
    public func isRootKnown(_ slot: UInt32) -> Bool { entry(slot).pointee.root != 0 }

    /// Whether an earlier ABI version's programs judge a container by policies, or (nil) the host.
    public func hasFormerPolicies(_ reference: SlotReference?) -> Bool { programs.hasFormerPolicies(reference) }

    public func policyWord(_ slot: UInt32) -> UInt64 {
        slot == PC_SLOT_HOST.magnitude ? pcl_load(&switches.elements[0].host_policy) : pcl_load(&entry(slot).pointee.policy)
    }

    /// Where nothing is enforced, sets are not in the kernel, and at their indices may be those of an earlier daemon, whose programs a later one may bring back: there
    /// a word has no flags.
    public func setPolicyWord(_ word: UInt64, _ slot: UInt32) {
        let word = setStore == nil ? PolicyWord.withoutFlags(word) : word
        if slot == PC_SLOT_HOST.magnitude { pcl_store(&switches.elements[0].host_policy, word) } else { pcl_store(&entry(slot).pointee.policy, word) }
    }

    /// Until when (nanoseconds since boot) what would be denied in a slot is only reported; 0: it is denied.
    public func setPaused(_ slot: UInt32, until: UInt64) {
        programs.setFormerPaused(slot == PC_SLOT_HOST.magnitude ? nil : slot, until: until)
        if slot == PC_SLOT_HOST.magnitude {
            pcl_store(&switches.elements[0].host_paused_until, until)
        } else {
            pcl_store(&entry(slot).pointee.paused_until, until)
        }
    }

    public func pausedUntil(_ slot: UInt32) -> UInt64 {
        slot == PC_SLOT_HOST.magnitude ? pcl_load(&switches.elements[0].host_paused_until) : pcl_load(&entry(slot).pointee.paused_until)
    }

    public var lastGeneration: UInt32 { setStore?.lastGeneration ?? 0 }

    public func attachHooks(for flags: UInt32) throws(PortcullisError) { try programs.enforce?.attachHooks(for: flags) }

    // MARK: Switches, counters, rings

    /// Which events of a container are reported (`pc_see_flag`).
    public func setVisibility(_ flags: UInt64, _ slot: UInt32) { pcl_store(&entry(slot).pointee.visibility, flags) }

    /// The same of processes outside containers, and what is seen of these and of all containers together.
    public func setVisibility(host: UInt64, any: UInt64) {
        switches.elements[0].host_visibility = UInt32(truncatingIfNeeded: host)
        switches.elements[0].any_visibility = UInt32(truncatingIfNeeded: any)
    }

    /// One of the kernel's per-CPU counters, one value for each CPU.
    public func counter(_ index: UInt32) throws(PortcullisError) -> [UInt64] { try Self.values(counters, "counters", index) }

    /// Verdicts by what was judged and what came of it, since the map was made; those that cannot be read are left out.
    public func verdicts() -> [VerdictCount] {
        // Operations behind these are reported, and never judged.
        (1...UInt16(PC_OPERATION_SYSCALL.rawValue)).compactMap { operation in
            let counts = [PC_ACTION_ALLOW, PC_ACTION_AUDIT, PC_ACTION_BLOCK].map { action in
                try? Self.values(verdictCounts, "verdicts", UInt32(operation) * UInt32(PC_VERDICT_ACTIONS) + action.rawValue).reduce(0, &+)
            }
            guard let allowed = counts[0], let audited = counts[1], let blocked = counts[2] else { return nil }
            return VerdictCount(operation: Alert.operation(operation), allowed: allowed, audited: audited, blocked: blocked)
        }
    }

    private static func values(_ map: Int32, _ name: String, _ index: UInt32) throws(PortcullisError) -> [UInt64] {
        let processors = Int(libbpf_num_possible_cpus())
        guard processors > 0 else { throw PortcullisError(.kernel, "counting the CPUs", errno: Int32(-processors)) }
        var values = [UInt64](repeating: 0, count: processors)
        var index = index
        guard bpf_map_lookup_elem(map, &index, &values) == 0 else {
            throw PortcullisError(.kernel, "reading the map \(name)", errno: errno)
        }
        return values
    }

    public func eventRing(_ take: @escaping (UnsafeRawBufferPointer) -> Void) throws(PortcullisError) -> RingBuffer {
        try RingBuffer(programs.identity.mapDescriptor("events"), name: "events", take: take)
    }

    /// Verdicts; nil where nothing is enforced.
    public func alertRing(_ take: @escaping (UnsafeRawBufferPointer) -> Void) throws(PortcullisError) -> RingBuffer? {
        guard let enforce = programs.enforce else { return nil }
        return try RingBuffer(enforce.object.mapDescriptor("alerts"), name: "alerts", take: take)
    }

    public func emptySlotRing(_ take: @escaping (SlotReference) -> Void) throws(PortcullisError) -> RingBuffer {
        try RingBuffer(programs.identity.mapDescriptor("slots_empty"), name: "slots_empty") { bytes in
            guard bytes.count >= MemoryLayout<pc_slot_empty>.size else { return }
            let empty = bytes.loadUnaligned(as: pc_slot_empty.self)
            take(SlotReference(slot: empty.slot, generation: empty.generation))
        }
    }
}
