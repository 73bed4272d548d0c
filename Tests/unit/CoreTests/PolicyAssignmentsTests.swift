import CABI
import Testing

@testable import Core

/// Policy sets in memory; what is installed is counted, and a write can be made to fail.
private final class MemorySets: PolicySetMaps {
    let setLimit: UInt32
    var words: [UInt32: UInt64] = [:]
    var installs = 0
    var sets: [UInt32: InstalledPolicySet] = [:]
    /// False: as in a kernel that enforces nothing, sets are gone with the daemon and words are not.
    var keepsSets = true
    var judgesWrites = false
    /// The name of the write that fails.
    var failing = ""

    init(setLimit: UInt32 = 16) { self.setLimit = setLimit }

    private func write(_ name: String) throws(PortcullisError) {
        if failing == name { throw PortcullisError(.kernel, "\(name) failed as the test asked", errno: 12) }
    }

    var lastGeneration: UInt32 = 0

    func installSet(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) throws(PortcullisError) {
        try write("install")
        installs += 1
        guard keepsSets else { return }
        lastGeneration = generation
        sets[index] = InstalledPolicySet(index: index, generation: generation, digest: compiled.digest, pages: compiled.cells.count / Int(PC_PAGE_CELLS))
    }
    func noteSystemCalls(_ index: UInt32, _ compiled: CompiledPolicySet) throws(PortcullisError) { try write("noteSystemCalls") }
    func removeSets(_ indices: [UInt32]) throws(PortcullisError) {
        try write("remove")
        for index in indices { sets[index] = nil }
    }
    func installedSets() -> [InstalledPolicySet] { Array(sets.values) }
    func policyWord(_ slot: UInt32) -> UInt64 { words[slot] ?? 0 }
    func setPolicyWord(_ word: UInt64, _ slot: UInt32) { words[slot] = word }
    func attachHooks(for flags: UInt32) throws(PortcullisError) {
        let wanted = flags & PC_SET_READ_ONLY.rawValue != 0
        if wanted { try write("attachHooks") }
        judgesWrites = wanted
    }
}

struct PolicyAssignmentsTests {
    private func policies(_ path: String) -> [Policy] {
        PolicySample.parse(PolicySample.text(spec: "process: {matchPaths: [{path: \(path)}]}\naction: Block")).policies
    }

    @Test(arguments: [true, false])
    func aSuccessorKnowsWhatEachContainerHas(_ keepsSets: Bool) throws {
        let maps = MemorySets()
        maps.keepsSets = keepsSets
        var first = PolicyAssignments(maps: maps)
        try first.assign(policies("/bin/x"), posture: .audit, slot: 3)
        let word = maps.policyWord(3)
        #expect(word != 0)
        var second = PolicyAssignments(maps: maps)
        try second.adopt(slots: [3])
        try second.assign(policies("/bin/x"), posture: .audit, slot: 3)
        let found = second.compiled(slot: 3)?.policies.map(\.identity)
        #expect(found == ["shop/p"])
        // A set that is there already is taken as it is, and the container is not switched.
        if keepsSets { #expect(maps.policyWord(3) == word && maps.installs == 1) }
    }

    @Test func onlyWhatChangedIsCompiledAgain() throws {
        let maps = MemorySets()
        var assignments = PolicyAssignments(maps: maps)
        // The place of the cells in memory: compiling again makes others.
        func cells(_ set: CompiledPolicySet?) throws -> UnsafePointer<UInt64>? {
            try #require(set).cells.withUnsafeBufferPointer { $0.baseAddress }
        }
        let same = policies("/bin/x")
        try assignments.assign(same, posture: .audit, slot: 1)
        let before = try cells(assignments.compiled(slot: 1))
        assignments.forgetNames()
        try assignments.assign(policies("/bin/x"), posture: .audit, slot: 1)
        let again = try cells(assignments.compiled(slot: 1))
        #expect(before == again)
        assignments.forgetNames()
        try assignments.assign(policies("/bin/y"), posture: .audit, slot: 1)
        let other = try cells(assignments.compiled(slot: 1))
        #expect(before != other && maps.installs == 2)
        assignments.forgetNames()
        try assignments.assign(same, posture: .block, slot: 1)
        let last = assignments.compiled(slot: 1)
        #expect(last?.posture == .block && last?.policies == same)
    }

    private func readOnly(_ path: String) -> [Policy] {
        PolicySample.parse(PolicySample.text(spec: "file: {matchPaths: [{path: \(path), readOnly: true}]}\naction: Block")).policies
    }

    /// Whatever write of a new set fails, the container has what it had, nothing is left of the new one, and the error says whose it is.
    /// Tasks remember what they found by a set's generation, also when the set is gone and nothing tells of it but the number.
    @Test func aGenerationIsNeverGivenOutTwice() throws {
        let maps = MemorySets()
        var first = PolicyAssignments(maps: maps)
        try first.assign(policies("/bin/x"), posture: .audit, slot: 3)
        let word = maps.policyWord(3)
        try first.assign([], posture: .audit, slot: 3)
        try first.collect()
        #expect(maps.sets.isEmpty)
        var second = PolicyAssignments(maps: maps)
        try second.adopt(slots: [3])
        try second.assign(policies("/bin/y"), posture: .audit, slot: 3)
        #expect(maps.policyWord(3) >> 32 == (word >> 32) + 1)
    }

    @Test func equalPoliciesWithOtherPosturesAreOtherSets() throws {
        let maps = MemorySets()
        var assignments = PolicyAssignments(maps: maps)
        let list = PolicySample.parse(PolicySample.text(spec: "process: {matchPaths: [{path: /bin/x}]}\naction: Allow")).policies
        try assignments.assign(list, posture: .audit, slot: 1)
        try assignments.assign(list, posture: .block, slot: 2)
        try assignments.assign(list, posture: .audit, slot: 3)
        #expect(maps.policyWord(1) == maps.policyWord(3) && maps.policyWord(1) != maps.policyWord(2) && maps.installs == 2)
    }

    @Test(arguments: ["install", "attachHooks"])
    func aSetThatCannotBeWrittenChangesNothing(_ step: String) throws {
        let maps = MemorySets()
        var assignments = PolicyAssignments(maps: maps)
        try assignments.assign(policies("/bin/x"), posture: .audit, slot: 3)
        let word = maps.policyWord(3), sets = maps.sets
        maps.failing = step
        assignments.forgetNames()
        var prepared = false
        let error = #expect(throws: PortcullisError.self) {
            try assignments.assign(readOnly("/y"), posture: .audit, slot: 3) { _, _ in prepared = true }
        }
        #expect(error?.description == "the set of shop/p: \(step) failed as the test asked: \(SystemErrorText.text(12))" && error?.code == .kernel)
        #expect(throws: PortcullisError.self) { _ = try assignments.word(for: readOnly("/y"), posture: .audit) }
        let count = assignments.setCount, kept = assignments.compiled(slot: 3)?.policies
        #expect(maps.policyWord(3) == word && maps.sets == sets && count == 1 && kept == policies("/bin/x"))
        #expect(!prepared && !maps.judgesWrites)
        // What failed once is not remembered as being there.
        maps.failing = ""
        try assignments.assign(readOnly("/y"), posture: .audit, slot: 3)
        try assignments.collect()
        #expect(maps.policyWord(3) != word && maps.judgesWrites && maps.sets.count == 1)
    }

    @Test func withoutRoomForASetTheContainerKeepsItsOwn() throws {
        let maps = MemorySets(setLimit: 4)
        var assignments = PolicyAssignments(maps: maps)
        for slot in 1...3 as ClosedRange<UInt32> {
            try assignments.assign(policies("/bin/\(slot)"), posture: .audit, slot: slot)
            assignments.forgetNames()
        }
        let words = maps.words
        let error = #expect(throws: PortcullisError.self) { try assignments.assign(policies("/bin/x"), posture: .audit, slot: 1) }
        #expect(error == PortcullisError(.full, "the set of shop/p: all 3 policy sets are in use") && maps.words == words)
        // A set that another container has costs nothing.
        try assignments.assign(policies("/bin/2"), posture: .audit, slot: 1)
        #expect(maps.policyWord(1) == maps.policyWord(2))
    }

    /// That an old set cannot be removed is no fault of the container that was switched away from it: it has its new one.
    @Test func anOldSetThatCannotBeRemovedIsTriedAgain() throws {
        let maps = MemorySets(setLimit: 128)
        var assignments = PolicyAssignments(maps: maps)
        let slots = 1...66 as ClosedRange<UInt32>
        for slot in slots {
            assignments.forgetNames()
            try assignments.assign(policies("/bin/\(slot)"), posture: .audit, slot: slot)
        }
        maps.failing = "remove"
        for slot in slots {
            assignments.forgetNames()
            try assignments.assign(policies("/bin/x"), posture: .audit, slot: slot)
        }
        #expect(Set(maps.words.values).count == 1 && maps.sets.count == 67)
        #expect(throws: PortcullisError.self) { try assignments.freed(slot: 1) }
        #expect(throws: PortcullisError.self) { try assignments.collect() }
        #expect(maps.sets.count == 67)
        maps.failing = ""
        try assignments.freed(slot: 2)
        #expect(maps.sets.count == 65)
        try assignments.collect()
        let left = assignments.setCount
        #expect(maps.sets.count == 1 && left == 1)
    }
}
