import HookWire

extension Registry {
    /// Takes over what an earlier daemon left in the pinned maps. Returns the processes to watch.
    ///
    /// Each used slot is brought to one of two ends: the init lives and the record is whole, so that every step of the add is
    /// done again where it is missing; or the slot is retired, and freed if no living task carries its label. Nothing is taken
    /// on trust: the init must be the same process (start time) in the same mount namespace.
    public mutating func adopt() throws(PortcullisError) -> [(reference: SlotReference, descriptor: Int32)] {
        var watched: [(reference: SlotReference, descriptor: Int32)] = []
        var labelled: [SlotReference: Int]?
        for slot in 0..<UInt32(kernel.capacity) {
            let content = kernel.slot(slot)
            guard content.state != .free else { continue }
            let reference = SlotReference(slot: slot, generation: content.generation)
            take(slot: slot)
            guard let found = try revive(reference, content) else {
                if labelled == nil { labelled = try kernel.countLabels() }
                try retireOrphan(reference, labelled?[reference] ?? 0)
                counters.discarded += 1
                continue
            }
            insert(found)
            counters.adopted += 1
            watched.append((reference, found.descriptor))
        }
        try removeForeignKeys()
        // Written by an add that went no further: whole or in part, of a slot that is free.
        let containers = containers
        try kernel.removeRecords { containers[Int($0)] != nil }
        return watched
    }

    /// The container of an active slot whose init lives, with label and key in place; nil if there is none.
    private func revive(_ reference: SlotReference, _ content: SlotContent) throws(PortcullisError) -> Container? {
        guard content.state == .active, let bytes = try kernel.record(reference), let record = ContainerRecord(decoding: bytes),
            let message = try? HookMessage(decoding: record.message[...])
        else { return nil }
        let descriptor: Int32
        do { descriptor = try kernel.openProcess(message.pid) } catch {
            // Only a process that is gone may be given up; anything else (no descriptors left) must stop the start.
            guard error.code == .processGone else { throw error }
            return nil
        }
        guard let process = try? kernel.identify(descriptor, pid: message.pid), process.startTime == record.startTime,
            process.mountSequence == content.mountSequence
        else {
            kernel.closeProcess(descriptor)
            return nil
        }
        do throws(PortcullisError) {
            // The slot was activated with its init counted, so a label that is missing is given without counting.
            // The hook that waited for that add has given up since: its container may be past setup.
            if try kernel.label(descriptor, process) != reference {
                try kernel.setLabel(descriptor, process, reference, stage: .started)
                // After a takeover only what was moved is counted.
                if content.tasks <= 0 { kernel.countInit(of: reference) }
            }
            if try kernel.identity(process.key) != reference {
                try kernel.setIdentity(process.key, reference, mountSequence: process.mountSequence)
            }
        } catch {
            kernel.closeProcess(descriptor)
            guard error.code == .processGone else { throw error }
            return nil
        }
        return Container(
            reference: reference, id: message.containerID, message: record.message, process: process,
            registered: record.registered, descriptor: descriptor)
    }

    /// A slot whose init is gone, or which no record describes: its key goes, its labels stay for as long as tasks carry them.
    private mutating func retireOrphan(_ reference: SlotReference, _ living: Int) throws(PortcullisError) {
        kernel.setState(.retired, of: reference)
        guard living == 0 else {
            let bytes = try kernel.record(reference) ?? []
            let message = ContainerRecord(decoding: bytes)?.message ?? []
            let decoded = try? HookMessage(decoding: message[...])
            insert(Container(
                reference: reference, id: decoded?.containerID ?? Array("unknown-\(reference.slot)".utf8), message: message,
                process: ProcessIdentity(pid: decoded?.pid ?? 0, startTime: 0, key: NamespaceKey(mount: 0, pid: 0), mountSequence: 0),
                registered: 0, state: .ended, descriptor: -1, ownsKey: false))
            return
        }
        try kernel.removeRecord(reference.slot)
        kernel.setState(.free, of: reference)
        giveBack(slot: reference.slot)
    }

    /// Keys that lead to no container that was taken over would match nothing, and fill the table.
    private func removeForeignKeys() throws(PortcullisError) {
        for (key, reference) in try kernel.identities() where container(inSlot: reference.slot).map({ $0.reference != reference || $0.state != .running }) ?? true {
            try kernel.removeIdentity(key)
        }
    }
}
