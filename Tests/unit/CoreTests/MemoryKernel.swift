import Core

/// `KernelMaps` in memory: processes that a test makes, moves and kills, and a place where the next write fails.
final class MemoryKernel: KernelMaps {
    struct Process {
        var identity: ProcessIdentity
        var ended = false
        var label: SlotReference?
        var stage: LabelStage?
    }

    let capacity: Int
    var hostKeys: Set<NamespaceKey> = [NamespaceKey(mount: 1, pid: 1)]
    var processes: [UInt32: Process] = [:]
    var open: [Int32: UInt32] = [:]
    private var nextDescriptor: Int32 = 100
    var slots: [SlotContent]
    var keys: [NamespaceKey: SlotReference] = [:]
    var records: [UInt32: (generation: UInt32, bytes: [UInt8])] = [:]
    /// The name of the write that fails next, once.
    var failing: String?
    /// Called before each write with its name: what an unlucky moment would see.
    var beforeWrite: ((String) -> Void)?

    init(capacity: Int = 8) {
        self.capacity = capacity
        slots = Array(repeating: SlotContent(state: .free, generation: 0, mountSequence: 0, tasks: 0), count: capacity)
    }

    /// A process with namespaces of its own; `sequence` tells two uses of one number apart.
    func start(_ pid: UInt32, mount: UInt32, pidNamespace: UInt32 = 0, sequence: UInt64, time: UInt64? = nil) {
        processes[pid] = Process(
            identity: ProcessIdentity(
                pid: pid, startTime: (time ?? UInt64(pid) * 7) * 10_000_000,
                key: NamespaceKey(mount: mount, pid: pidNamespace == 0 ? mount : pidNamespace), mountSequence: sequence))
    }

    /// Ends a process as the kernel does: its label is counted out.
    func end(_ pid: UInt32) {
        processes[pid]?.ended = true
        if let label = processes[pid]?.label, slots[Int(label.slot)].generation == label.generation { slots[Int(label.slot)].tasks -= 1 }
    }

    private func write(_ name: String) throws(PortcullisError) {
        if let beforeWrite { beforeWrite(name) }
        guard failing != name else {
            failing = nil
            throw PortcullisError(.kernel, "\(name) failed as the test asked")
        }
    }

    func openProcess(_ pid: UInt32) throws(PortcullisError) -> Int32 {
        guard processes[pid] != nil else { throw PortcullisError(.processGone, "no process \(pid)") }
        nextDescriptor += 1
        open[nextDescriptor] = pid
        return nextDescriptor
    }

    private func process(_ descriptor: Int32) -> Process? { open[descriptor].flatMap { processes[$0] } }

    func identify(_ descriptor: Int32, pid: UInt32) throws(PortcullisError) -> ProcessIdentity? {
        process(descriptor).flatMap { $0.ended ? nil : $0.identity }
    }

    func hasEnded(_ descriptor: Int32) -> Bool { process(descriptor)?.ended ?? true }
    func closeProcess(_ descriptor: Int32) { open[descriptor] = nil }

    func slot(_ index: UInt32) -> SlotContent { slots[Int(index)] }

    func activate(_ reference: SlotReference, mountSequence: UInt64, policy: UInt64, visibility: UInt64, root: UInt64) {
        if let beforeWrite { beforeWrite("activate") }
        slots[Int(reference.slot)] = SlotContent(state: .active, generation: reference.generation, mountSequence: mountSequence, tasks: 1)
    }

    func countInit(of reference: SlotReference) { slots[Int(reference.slot)].tasks += 1 }

    func setState(_ state: SlotState, of reference: SlotReference) {
        slots[Int(reference.slot)].state = state
        slots[Int(reference.slot)].generation = reference.generation
    }

    func identity(_ key: NamespaceKey) throws(PortcullisError) -> SlotReference? { keys[key] }

    func setIdentity(_ key: NamespaceKey, _ reference: SlotReference, mountSequence: UInt64) throws(PortcullisError) {
        try write("identity")
        keys[key] = reference
    }

    func removeIdentity(_ key: NamespaceKey) throws(PortcullisError) { keys[key] = nil }

    func identities() throws(PortcullisError) -> [(key: NamespaceKey, reference: SlotReference)] {
        keys.map { (key: $0.key, reference: $0.value) }
    }

    func label(_ descriptor: Int32, _ process: ProcessIdentity) throws(PortcullisError) -> SlotReference? {
        processes[process.pid]?.label
    }

    func setLabel(_ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference, stage: LabelStage) throws(PortcullisError) {
        try write("label")
        processes[process.pid]?.label = reference
        processes[process.pid]?.stage = stage
    }

    func endSetup(_ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference) throws(PortcullisError) {
        try write("setup")
        guard processes[process.pid]?.label == reference else { throw PortcullisError(.kernel, "process \(process.pid) has another label") }
        processes[process.pid]?.stage = .started
    }

    func countLabels() throws(PortcullisError) -> [SlotReference: Int] {
        processes.values.reduce(into: [:]) { counts, process in
            if !process.ended, let label = process.label { counts[label, default: 0] += 1 }
        }
    }

    func setRecord(_ reference: SlotReference, _ bytes: [UInt8]) throws(PortcullisError) {
        try write("record")
        records[reference.slot] = (reference.generation, bytes)
    }

    func record(_ reference: SlotReference) throws(PortcullisError) -> [UInt8]? {
        records[reference.slot].flatMap { $0.generation == reference.generation ? $0.bytes : nil }
    }

    func removeRecord(_ slot: UInt32) throws(PortcullisError) { records[slot] = nil }

    func removeRecords(unless inUse: (UInt32) -> Bool) throws(PortcullisError) {
        records = records.filter { inUse($0.key) }
    }

    /// True if nothing of any container is left.
    var isEmpty: Bool { keys.isEmpty && records.isEmpty && slots.allSatisfy { $0.state == .free } }
}
