import Core
import HookWire
import Testing

/// A message and its body, as the hook would send them for this process.
func addition(_ id: String, _ pid: UInt32, time: UInt64? = nil, annotations: [HookMessage.Annotation] = []) -> (HookMessage, ArraySlice<UInt8>) {
    var message = HookMessage(operation: .add, containerID: Array(id.utf8))
    message.pid = pid
    message.startTime = time ?? UInt64(pid) * 7
    message.annotations = annotations
    return (message, message.encoded()[4...])
}

extension Registry {
    mutating func add(_ id: String, _ pid: UInt32, time: UInt64? = nil) -> HookAnswer.Code {
        let (message, body) = addition(id, pid, time: time)
        return add(message, body: body, now: 5).answer.code
    }

    mutating func remove(_ id: String) -> HookAnswer.Code { remove(Array(id.utf8)).code }
    var names: [String] { usedSlots.compactMap { container(inSlot: $0)?.name } }
}

@Suite struct RegistryTests {
    let kernel = MemoryKernel()

    @Test func writesEverythingBeforeItAnswers() throws {
        var registry = Registry(kernel: kernel)
        var order: [String] = []
        kernel.beforeWrite = { order.append($0) }
        kernel.start(10, mount: 100, sequence: 1)
        #expect(registry.add("a", 10) == .registered)
        #expect(order == ["record", "activate", "label", "identity"])
        let reference = try #require(kernel.keys[NamespaceKey(mount: 100, pid: 100)])
        #expect(kernel.processes[10]?.label == reference)
        #expect(kernel.slots[Int(reference.slot)] == SlotContent(state: .active, generation: 1, mountSequence: 1, tasks: 1))
    }

    @Test func leavesNothingAfterTheEnd() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        kernel.end(10)
        #expect(registry.remove("a") == .removed)
        #expect(kernel.isEmpty && registry.count == 0 && kernel.open.isEmpty)
        #expect(registry.remove("a") == .removed)
        #expect(registry.counters.removedUnknown == 1)
    }

    @Test func isIdempotent() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        #expect(registry.add("a", 10) == .registered)
        #expect(registry.add("a", 10) == .registered)
        #expect(registry.count == 1 && registry.counters.repeated == 1 && kernel.open.count == 1)
    }

    @Test func addAfterRemoveIsANewContainer() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        kernel.end(10)
        _ = registry.remove("a")
        kernel.start(11, mount: 101, sequence: 2)
        #expect(registry.add("a", 11) == .registered)
        #expect(registry.names == ["a"])
    }

    @Test func aDeadHoldersKeyIsTakenOverBeforeItsRemoveCame() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("old", 10)
        kernel.end(10)
        kernel.start(11, mount: 100, sequence: 2)
        #expect(registry.add("new", 11) == .registered)
        #expect(registry.names == ["new"])
        // The late remove of the old one changes nothing of the new one.
        #expect(registry.remove("old") == .removed)
        let reference = try #require(kernel.keys[NamespaceKey(mount: 100, pid: 100)])
        #expect(registry.container(reference)?.name == "new")
    }

    @Test func aLivingHolderKeepsItsKey() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.start(11, mount: 100, sequence: 1)
        _ = registry.add("first", 10)
        #expect(registry.add("second", 11) == .sharedNamespaces)
        #expect(registry.names == ["first"] && registry.counters.refusedShared == 1 && kernel.open.count == 1)
    }

    /// The first container's init has unshared its mount namespace; the number was given to a new one.
    @Test func aReusedNumberIsNotTheOldContainer() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("first", 10)
        kernel.start(11, mount: 100, sequence: 2)
        #expect(registry.add("second", 11) == .registered)
        let key = NamespaceKey(mount: 100, pid: 100)
        #expect(registry.container(try #require(kernel.keys[key]))?.name == "second")
        // The end of the first must not take the second's key along.
        kernel.end(10)
        #expect(registry.remove("first") == .removed)
        #expect(registry.container(try #require(kernel.keys[key]))?.name == "second")
    }

    @Test func processesThatLingerKeepTheirSlot() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        let reference = try #require(kernel.processes[10]?.label)
        kernel.slots[Int(reference.slot)].tasks += 1
        kernel.end(10)
        #expect(try registry.processEnded(reference)?.name == "a")
        #expect(registry.container(reference)?.state == .ended)
        #expect(kernel.slots[Int(reference.slot)].state == .retired && kernel.keys.isEmpty)
        kernel.slots[Int(reference.slot)].tasks -= 1
        try registry.slotEmpty(reference)
        #expect(kernel.isEmpty)
        // Events read late still find their container's name.
        #expect(registry.container(reference)?.name == "a")
    }

    @Test func anOldWordAboutASlotIsIgnored() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        let reference = try #require(kernel.processes[10]?.label)
        let older = SlotReference(slot: reference.slot, generation: reference.generation &- 1)
        try registry.slotEmpty(older)
        #expect(try registry.processEnded(older) == nil)
        try registry.slotEmpty(reference)
        #expect(registry.names == ["a"])
    }

    @Test func aRemoveForALivingInitIsStale() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        #expect(registry.remove("a") == .stale)
        #expect(registry.names == ["a"] && registry.counters.removedStale == 1)
    }

    @Test func refusesWhatItCannotTellApart() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 1, pidNamespace: 1, sequence: 9)
        #expect(registry.add("host", 10) == .hostNamespaces)
        kernel.start(11, mount: 100, sequence: 1)
        #expect(registry.add("other start time", 11, time: 1) == .processGone)
        #expect(registry.add("no process", 12) == .processGone)
        kernel.end(11)
        #expect(registry.add("ended", 11) == .processGone)
        #expect(registry.count == 0 && kernel.isEmpty && kernel.open.isEmpty)
    }

    @Test func aContainerInTheHostsPidNamespaceIsAContainer() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, pidNamespace: 1, sequence: 1)
        #expect(registry.add("host-pid", 10) == .registered)
    }

    @Test func refusesBeyondCapacityAndRecovers() {
        var registry = Registry(kernel: kernel)
        for pid in 1...8 as ClosedRange<UInt32> {
            kernel.start(pid, mount: 100 + pid, sequence: UInt64(pid))
            #expect(registry.add("c\(pid)", pid) == .registered)
        }
        kernel.start(9, mount: 109, sequence: 9)
        #expect(registry.add("c9", 9) == .tableFull)
        #expect(registry.counters.refusedFull == 1)
        kernel.end(3)
        _ = registry.remove("c3")
        #expect(registry.add("c9", 9) == .registered)
    }

    @Test(arguments: ["record", "label", "identity"])
    func aFailedWriteLeavesNothing(_ step: String) {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.failing = step
        #expect(registry.add("a", 10) == .kernel)
        #expect(kernel.isEmpty && registry.count == 0 && kernel.open.isEmpty)
        kernel.processes[10]?.label = nil
        #expect(registry.add("a", 10) == .registered)
    }

    @Test(arguments: ["record", "label", "identity"])
    func anInitThatDiesInTheMiddleLeavesNothing(_ step: String) {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.beforeWrite = { [kernel] in if $0 == step { kernel.end(10) } }
        #expect(registry.add("a", 10) == .processGone)
        #expect(kernel.isEmpty && registry.count == 0 && kernel.open.isEmpty)
    }

    @Test func slotsAreReusedLateAndWithANewGeneration() {
        var registry = Registry(kernel: kernel)
        var seen: [SlotReference] = []
        for round in 0..<40 as Range<UInt32> {
            kernel.start(round + 1, mount: 100 + round % 3, sequence: UInt64(round))
            #expect(registry.add("c\(round)", round + 1) == .registered)
            seen.append(kernel.processes[round + 1]!.label!)
            kernel.end(round + 1)
            #expect(registry.remove("c\(round)") == .removed)
        }
        #expect(Set(seen).count == 40)
        #expect(kernel.isEmpty)
    }

    // MARK: Replay

    /// What a scan sends of a process.
    private func found(_ id: String, _ pid: UInt32, started: Bool = true) -> (HookMessage, ArraySlice<UInt8>) {
        var (message, _) = addition(id, pid)
        message.sources = ReplaySources.runc.rawValue
        message.hasStarted = started
        return (message, message.encoded()[4...])
    }

    @Test func aHooksWordReplacesAScansAndNotTheOtherWayRound() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        let (scan, scanBody) = found("a", 10)
        let first = registry.add(scan, body: scanBody, now: 5)
        #expect(first.watch != nil)
        #expect(registry.container(inSlot: registry.usedSlots[0])?.isReplayed == true)
        let (hook, hookBody) = addition("a", 10, annotations: [.init(key: Array("app".utf8), value: Array("web".utf8))])
        let second = registry.add(hook, body: hookBody, now: 6)
        #expect(second.answer.code == .registered && second.watch == nil && second.updated?.slot == registry.usedSlots[0])
        #expect(registry.container(inSlot: registry.usedSlots[0])?.message == Array(hookBody))
        #expect(kernel.records[registry.usedSlots[0]]?.bytes.suffix(hookBody.count).elementsEqual(hookBody) == true, "a daemon that comes after knows it too")
        let third = registry.add(scan, body: scanBody, now: 7)
        #expect(third.answer.code == .registered && third.updated == nil && registry.container(inSlot: registry.usedSlots[0])?.message == Array(hookBody))
        #expect(registry.count == 1 && kernel.open.count == 1)
    }

    @Test func aScanThatCallsARegisteredInitByAnotherNameChangesNothing() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        let (scan, body) = found("another", 10)
        let answer = registry.add(scan, body: body, now: 5).answer
        #expect(answer.code == .registered)
        #expect(registry.names == ["a"] && registry.counters.refusedShared == 0)
    }

    @Test func aScanCannotRaiseTheDead() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.end(10)
        let (scan, body) = found("a", 10)
        let answer = registry.add(scan, body: body, now: 5).answer
        #expect(answer.code == .processGone)
        #expect(kernel.isEmpty)
    }

    @Test(arguments: [(true, true, LabelStage.started), (true, false, .created), (false, false, .setup), (false, true, .started)])
    func stages(_ isScan: Bool, _ hasStarted: Bool, _ expected: LabelStage) {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        var (message, _) = found("a", 10, started: hasStarted)
        if !isScan { message.sources = 0 }
        _ = registry.add(message, body: message.encoded()[4...], now: 5)
        #expect(kernel.processes[10]?.stage == expected)
    }

    @Test func anExecThatTheLabelMissedEndsTheSetup() {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.beforeWrite = { [kernel] in if $0 == "label" { kernel.processes[10]?.identity.hasExecuted = true } }
        let (message, body) = found("a", 10, started: false)
        #expect(registry.add(message, body: body, now: 5).watch != nil)
        #expect(kernel.processes[10]?.stage == .started)
        // One label for good: what the init starts meanwhile inherits it, and a slot that were given up would be nobody's.
        #expect(kernel.processes[10]?.label == SlotReference(slot: 0, generation: 1))
        #expect(registry.count == 1 && kernel.keys.count == 1 && kernel.records.count == 1)
        #expect(kernel.slots.filter { $0.state == .active }.map(\.tasks) == [1])
        #expect(kernel.processes[10]?.label?.slot == registry.usedSlots.first)
    }
}
