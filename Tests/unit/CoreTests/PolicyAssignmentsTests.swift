import CABI
import Testing

@testable import Core

/// Policy sets in memory; what is installed is counted.
private final class MemorySets: PolicySetMaps {
    let setLimit: UInt32 = 16
    var words: [UInt32: UInt64] = [:]
    var installs = 0
    var sets: [UInt32: InstalledPolicySet] = [:]
    /// False: as in a kernel that enforces nothing, sets are gone with the daemon and words are not.
    var keepsSets = true

    func installSet(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) {
        installs += 1
        guard keepsSets else { return }
        sets[index] = InstalledPolicySet(index: index, generation: generation, digest: compiled.digest, pages: compiled.cells.count / Int(PC_PAGE_CELLS))
    }
    func removeSet(_ index: UInt32) { sets[index] = nil }
    func installedSets() -> [InstalledPolicySet] { Array(sets.values) }
    func policyWord(_ slot: UInt32) -> UInt64 { words[slot] ?? 0 }
    func setPolicyWord(_ word: UInt64, _ slot: UInt32) { words[slot] = word }
    func judgeWrites(_ wanted: Bool) {}
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
}
