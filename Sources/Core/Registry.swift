import HookWire

/// All containers and what happens to them: adds, removes, deaths. It decides; the kernel maps do as they are told.
///
/// Order of writes in an add: record, slot, label, key. Whatever moment the daemon dies in, what is pinned then says how far
/// it came, and `adopt` finishes or undoes it. The answer is given only after all four.
public struct Registry<Kernel: KernelMaps>: ~Copyable {
    public let kernel: Kernel
    /// Containers by slot.
    private(set) var containers: [Container?]
    /// Containers that are registered, ended ones with living processes included.
    public private(set) var count = 0
    private var slotsByID: [ContainerID: [UInt32]] = [:]
    private var slotByKey: [NamespaceKey: UInt32] = [:]
    private var freeSlots: FreeSlots
    private var recent = RecentContainers()
    /// Slots of ended containers whose tasks live on.
    private var lingering: Set<UInt32> = []
    public internal(set) var counters = RegistryCounters()
    /// Called with each slot that is given back, before anyone else can get it.
    public var slotFreed: (UInt32) -> Void = { _ in }

    /// What an add came to.
    public struct AddResult {
        public var answer: HookAnswer
        /// The slot and the pidfd to watch, for a container that is new.
        public var watch: (reference: SlotReference, descriptor: Int32)?
        /// The slot of a container that a hook tells of and that only a scan had found so far: its policies are to be chosen anew.
        public var updated: SlotReference?
    }

    public init(kernel: Kernel) {
        self.kernel = kernel
        containers = Array(repeating: nil, count: kernel.capacity)
        freeSlots = FreeSlots(capacity: kernel.capacity)
    }

    /// Slots with a container, in order.
    public var usedSlots: [UInt32] { containers.indices.filter { containers[$0] != nil }.map { UInt32($0) } }

    /// Whether a container of this id is registered, one that has ended but for some processes included.
    public func knows(_ id: [UInt8]) -> Bool { slotsByID[ContainerID(id)] != nil }

    public func container(inSlot slot: UInt32) -> Container? { Int(slot) < containers.count ? containers[Int(slot)] : nil }

    /// The container that an event speaks of, also shortly after it is gone.
    public func container(_ reference: SlotReference) -> Container? {
        if let container = container(inSlot: reference.slot), container.reference == reference { return container }
        return recent.find(reference)
    }

    // MARK: Adds

    /// Registers a container. `body` is the message as it came, `now` the time since boot in nanoseconds.
    ///
    /// - Parameter hookWaits: Asked after the init was looked at. If its hook has given up, the container may be past setup, and
    ///   the root mount that was seen may be its own: it is then not taken to be in setup, which would hide all it does.
    /// - Parameter policy: The policy word for the new container, asked for when nothing else stands in the way of it. If there can be
    ///   none, the container is refused: it would run unprotected.
    /// - Parameter visibility: Which of its events are reported (`pc_see_flag`).
    public mutating func add(
        _ message: HookMessage, body: ArraySlice<UInt8>, now: UInt64, hookWaits: () -> Bool = { true },
        visibility: UInt64 = 0, policy: () throws(PortcullisError) -> UInt64 = { 0 }
    ) -> AddResult {
        let descriptor: Int32
        do { descriptor = try kernel.openProcess(message.pid) } catch {
            // Anything but its end, as descriptors that have run out, is ours: who asked must not take it for the container's.
            guard error.code == .processGone else {
                counters.refusedKernel += 1
                return refusal(.kernel, "process \(message.pid): \(error)")
            }
            counters.refusedGone += 1
            return refusal(.processGone, "process \(message.pid): \(error)")
        }
        let result: AddResult
        do {
            result = try add(message, body: body, descriptor: descriptor, now: now, hookWaits: hookWaits, visibility: visibility, policy: policy)
        } catch {
            if error.code == .full { counters.refusedFull += 1 } else { counters.refusedKernel += 1 }
            result = refusal(error.code == .full ? .tableFull : .kernel, error.description)
        }
        if result.watch == nil { kernel.closeProcess(descriptor) }
        return result
    }

    private mutating func add(
        _ message: HookMessage, body: ArraySlice<UInt8>, descriptor: Int32, now: UInt64, hookWaits: () -> Bool, visibility: UInt64,
        policy: () throws(PortcullisError) -> UInt64
    ) throws(PortcullisError) -> AddResult {
        guard let process = try kernel.identify(descriptor, pid: message.pid) else {
            counters.refusedGone += 1
            return refusal(.processGone, "process \(message.pid) has ended")
        }
        if let problem = mismatch(message, process) {
            counters.refusedGone += 1
            return refusal(.processGone, problem)
        }
        guard !kernel.hostKeys.contains(process.key) else {
            counters.refusedHost += 1
            return refusal(.hostNamespaces, "it shares the host's mount and pid namespaces, so its processes cannot be told from the host's")
        }
        for slot in slotsByID[ContainerID(message.containerID)] ?? [] {
            guard let known = containers[Int(slot)], known.isRunning(process) else { continue }
            counters.repeated += 1
            guard let better = known.better(message, body) else { return AddResult(answer: answer(.registered)) }
            try replaceMessage(of: slot, by: better)
            return AddResult(answer: answer(.registered), updated: known.reference)
        }
        // Found by a scan under another name, of a cgroup say: it is that container all the same.
        if message.sources != 0, let slot = slotByKey[process.key], let known = containers[Int(slot)], known.isRunning(process) {
            counters.repeated += 1
            guard let better = known.better(message, body) else { return AddResult(answer: answer(.registered)) }
            try replaceMessage(of: slot, by: better)
            return AddResult(answer: answer(.registered), updated: known.reference)
        }
        if let sharing = try clearKey(for: process) {
            counters.refusedShared += 1
            return refusal(.sharedNamespaces, "container \(sharing) has the same mount and pid namespaces and is running")
        }
        let word = try policy()
        if freeSlots.isEmpty { try sweep() }
        guard let slot = freeSlots.take() else {
            throw PortcullisError(.full, "all \(kernel.capacity) slots are taken")
        }
        let reference = SlotReference(slot: slot, generation: nextGeneration(kernel.slot(slot).generation))
        let container = Container(
            reference: reference, id: message.containerID, message: ContainerRecord.bounded(body), process: process, registered: now,
            descriptor: descriptor)
        do throws(PortcullisError) {
            try kernel.setRecord(reference, ContainerRecord(container).encoded())
            let stage = Self.stage(message, hookWaits)
            kernel.activate(
                reference, mountSequence: process.mountSequence, policy: word, visibility: visibility, root: stage == .started ? process.root : 0)
            try kernel.setLabel(descriptor, process, reference, stage: stage)
            // An exec before the label was there has not ended its setup, and there may be no other.
            if stage == .created, let now = try kernel.identify(descriptor, pid: message.pid), now.hasExecuted { try kernel.endSetup(descriptor, now, reference) }
            try kernel.setIdentity(process.key, reference, mountSequence: process.mountSequence)
            // An init that died meanwhile may have died without its label, and its count would never go down.
            guard !kernel.hasEnded(descriptor) else { throw PortcullisError(.processGone, "process \(message.pid) has ended") }
        } catch {
            undo(reference, process.key)
            guard error.code == .processGone else { throw error }
            counters.refusedGone += 1
            return refusal(.processGone, error.description)
        }
        insert(container)
        counters.added += 1
        return AddResult(answer: answer(.registered), watch: (reference, descriptor))
    }

    private static func stage(_ message: HookMessage, _ hookWaits: () -> Bool) -> LabelStage {
        if message.hasStarted { return .started }
        // A scan that saw no setup would be told of none: runtimes write their state when it is over.
        if message.sources != 0 { return .created }
        return hookWaits() ? .setup : .started
    }

    private mutating func replaceMessage(of slot: UInt32, by body: ArraySlice<UInt8>) throws(PortcullisError) {
        guard var container = containers[Int(slot)] else { return }
        container.message = ContainerRecord.bounded(body)
        try kernel.setRecord(container.reference, ContainerRecord(container).encoded())
        containers[Int(slot)] = container
    }

    /// What the hook saw must be what the kernel says, or the process is not the container's init.
    private func mismatch(_ message: HookMessage, _ process: ProcessIdentity) -> String? {
        if message.startTime != process.startTicks { return "process \(message.pid) is not the one the hook saw: it started at another time" }
        if message.mountNamespace != 0, message.mountNamespace != UInt64(process.key.mount) {
            return "process \(message.pid) is in another mount namespace than the hook saw"
        }
        return nil
    }

    /// Makes the key of `process` free, or names the container that rightly has it.
    private mutating func clearKey(for process: ProcessIdentity) throws(PortcullisError) -> String? {
        guard let slot = slotByKey[process.key], let holder = containers[Int(slot)] else { return nil }
        if kernel.hasEnded(holder.descriptor) {
            counters.keysReplaced += 1
            try end(slot)
            return nil
        }
        guard holder.process.mountSequence != process.mountSequence else { return holder.name }
        // The number was reused, so the holder's init has left that namespace. Its tasks keep their labels.
        counters.keysReplaced += 1
        try kernel.removeIdentity(process.key)
        slotByKey[process.key] = nil
        containers[Int(slot)]?.ownsKey = false
        return nil
    }

    private mutating func undo(_ reference: SlotReference, _ key: NamespaceKey) {
        // Each step may find nothing to undo; none may keep the others from being tried.
        try? kernel.removeIdentity(key)
        kernel.setState(.retired, of: reference)
        try? kernel.removeRecord(reference.slot)
        kernel.setState(.free, of: reference)
        freeSlots.giveBack(reference.slot)
    }

    mutating func insert(_ container: Container) {
        let slot = container.reference.slot
        containers[Int(slot)] = container
        count += 1
        slotsByID[ContainerID(container.id), default: []].append(slot)
        if container.state == .ended { lingering.insert(slot) }
        if container.state == .running, container.ownsKey { slotByKey[container.process.key] = slot }
    }

    // MARK: Ends

    /// Removes a container by its id, as `poststop` asks.
    public mutating func remove(_ id: [UInt8]) -> HookAnswer {
        guard let slots = slotsByID[ContainerID(id)] else {
            counters.removedUnknown += 1
            return answer(.removed, "it was not registered")
        }
        var living = false
        var removed = false
        for slot in slots {
            guard let container = containers[Int(slot)] else { continue }
            if container.state == .running, !kernel.hasEnded(container.descriptor) {
                living = true
                continue
            }
            do { try end(slot) } catch { return refusal(.kernel, error.description).answer }
            removed = true
        }
        if removed {
            counters.removed += 1
            return answer(.removed)
        }
        if living {
            counters.removedStale += 1
            return answer(.stale, "its init is alive")
        }
        return answer(.removed)
    }

    /// The init's pidfd has become readable. Returns the container as it was, nil if that was known already.
    public mutating func processEnded(_ reference: SlotReference) throws(PortcullisError) -> Container? {
        guard let container = container(inSlot: reference.slot), container.reference == reference, container.state == .running else { return nil }
        counters.endedUnremoved += 1
        try end(reference.slot)
        return container
    }

    /// Nothing new may match the container; its slot is freed if no labelled task is left.
    private mutating func end(_ slot: UInt32) throws(PortcullisError) {
        guard var container = containers[Int(slot)] else { return }
        if container.state == .running {
            kernel.setState(.retired, of: container.reference)
            if container.ownsKey {
                try kernel.removeIdentity(container.process.key)
                if slotByKey[container.process.key] == slot { slotByKey[container.process.key] = nil }
            }
            kernel.closeProcess(container.descriptor)
            container.descriptor = -1
            container.state = .ended
            containers[Int(slot)] = container
        }
        if kernel.slot(slot).tasks <= 0 { try free(slot) } else { lingering.insert(slot) }
    }

    /// The kernel says that a retired slot's last labelled task is gone.
    public mutating func slotEmpty(_ reference: SlotReference) throws(PortcullisError) {
        guard let container = container(inSlot: reference.slot), container.reference == reference, container.state == .ended else { return }
        if kernel.slot(reference.slot).tasks <= 0 { try free(reference.slot) }
    }

    /// Frees ended containers whose slots are empty. Called when an init's end is seen and when slots run out: the kernel's word about an empty slot can be lost,
    /// and on a processor with weak ordering its last task and our retirement can miss each other.
    public mutating func sweep() throws(PortcullisError) {
        for slot in lingering where kernel.slot(slot).tasks <= 0 { try free(slot) }
    }

    private mutating func free(_ slot: UInt32) throws(PortcullisError) {
        guard let container = containers[Int(slot)] else { return }
        try kernel.removeRecord(slot)
        kernel.setState(.free, of: container.reference)
        containers[Int(slot)] = nil
        count -= 1
        lingering.remove(slot)
        let id = ContainerID(container.id)
        slotsByID[id]?.removeAll { $0 == slot }
        if slotsByID[id]?.isEmpty == true { slotsByID[id] = nil }
        recent.insert(container)
        slotFreed(slot)
        freeSlots.giveBack(slot)
    }

    // MARK: Answers

    private func answer(_ code: HookAnswer.Code, _ reason: String = "") -> HookAnswer {
        HookAnswer(code: code, abi: abiVersion, reason: Array(reason.utf8))
    }

    private func refusal(_ code: HookAnswer.Code, _ reason: String) -> AddResult {
        AddResult(answer: answer(code, reason))
    }

    private func nextGeneration(_ generation: UInt32) -> UInt32 { generation == UInt32.max ? 1 : generation + 1 }

    /// Leaves `slot` out of the free ones, and puts it back; for adoption.
    mutating func take(slot: UInt32) { freeSlots.remove(slot) }
    mutating func giveBack(slot: UInt32) { freeSlots.giveBack(slot) }
}
