import Core
import HookWire
import Testing

/// A second registry on the same maps is a restarted daemon.
@Suite struct AdoptionTests {
    let kernel = MemoryKernel()

    private func restart() throws -> [String] {
        kernel.open = [:] // a dead daemon's descriptors are closed
        var registry = Registry(kernel: kernel)
        let watched = try registry.adopt()
        #expect(watched.count == registry.count)
        return registry.names
    }

    @Test func takesOverWhatLives() throws {
        var registry = Registry(kernel: kernel)
        for pid in 1...3 as ClosedRange<UInt32> {
            kernel.start(pid, mount: 100 + pid, sequence: UInt64(pid))
            _ = registry.add("c\(pid)", pid)
        }
        kernel.end(2)
        #expect(try restart() == ["c1", "c3"])
        #expect(kernel.keys.count == 2)
    }

    /// The daemon dies before each write of an add in turn. What is found afterwards is finished or undone, never half.
    @Test(arguments: ["record", "activate", "label", "identity"], [true, false])
    func finishesOrUndoesAnInterruptedAdd(_ step: String, _ initLives: Bool) throws {
        let frozen = MemoryKernel()
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        kernel.beforeWrite = { [kernel] name in
            guard name == step else { return }
            frozen.slots = kernel.slots
            frozen.keys = kernel.keys
            frozen.records = kernel.records
            frozen.processes = kernel.processes
        }
        _ = registry.add("a", 10)
        if !initLives { frozen.end(10) }
        var second = Registry(kernel: frozen)
        _ = try second.adopt()
        let finished = initLives && step != "record" && step != "activate"
        #expect(second.names == (finished ? ["a"] : []))
        #expect(frozen.keys.count == (finished ? 1 : 0))
        if finished {
            #expect(frozen.processes[10]?.label != nil)
            #expect(frozen.slots[0].tasks == 1)
            frozen.end(10)
            #expect(second.remove("a") == .removed)
        }
        #expect(frozen.isEmpty)
    }

    /// A slot that was taken over from another version has nobody counted but those whose labels were moved.
    @Test(arguments: [true, false]) func anInitWithoutALabelIsCountedOnce(_ isTakenOver: Bool) throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        kernel.processes[10]?.label = nil
        if isTakenOver { kernel.slots[0].tasks = 0 }
        #expect(try restart() == ["a"])
        #expect(kernel.processes[10]?.label != nil && kernel.slots[0].tasks == 1)
    }

    @Test func aReusedPidIsNotTheContainer() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        kernel.end(10)
        kernel.start(10, mount: 100, sequence: 2, time: 999)
        #expect(try restart() == [])
        #expect(kernel.isEmpty)
    }

    @Test func whatLingersKeepsItsSlot() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        _ = registry.add("a", 10)
        kernel.start(11, mount: 100, sequence: 1)
        let label = kernel.processes[10]?.label
        kernel.processes[11]?.label = label
        kernel.slots[0].tasks = 2
        kernel.end(10)
        kernel.open = [:]
        var second = Registry(kernel: kernel)
        _ = try second.adopt()
        #expect(second.names == ["a"] && second.container(inSlot: 0)?.state == .ended && kernel.keys.isEmpty)
        kernel.end(11)
        try second.slotEmpty(SlotReference(slot: 0, generation: 1))
        #expect(kernel.isEmpty)
    }

    @Test func keepsAnnotationsThatFitAndCountsTheOthers() throws {
        var registry = Registry(kernel: kernel)
        kernel.start(10, mount: 100, sequence: 1)
        let many = (0..<1_000).map { HookMessage.Annotation(key: Array("k\($0)".utf8), value: [UInt8](repeating: 0x61, count: 100)) }
        let (message, body) = addition("a", 10, annotations: many)
        #expect(registry.add(message, body: body, now: 5).answer.code == .registered)
        #expect(kernel.records[0].map { $0.bytes.count <= 24 << 10 } == true)
        kernel.open = [:]
        var second = Registry(kernel: kernel)
        _ = try second.adopt()
        let workload = try #require(second.container(inSlot: 0)?.workload)
        #expect(workload.annotationsCut > 0 && workload.annotationsCut < 1_000)
    }

    @Test func foreignKeysAreSweptOut() throws {
        kernel.keys[NamespaceKey(mount: 7, pid: 7)] = SlotReference(slot: 3, generation: 4)
        #expect(try restart() == [])
        #expect(kernel.keys.isEmpty)
    }
}
