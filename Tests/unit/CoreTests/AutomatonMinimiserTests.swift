import Testing

@testable import Core

/// The minimiser against a plain partition refinement over every class.
@Suite struct AutomatonMinimiserTests {
    @Test(arguments: PolicySetReferenceTests.seeds) func leavesAsFewStatesAsCanBe(seed: UInt64) throws {
        var generator = PolicySetGenerator(seed: seed)
        for number in 0..<25 {
            var trie = AutomatonTrie()
            for rule in 0..<1 + generator.random.below(4) { trie.insert(generator.rule().target, rule: rule) }
            let classes = AutomatonClasses([trie])
            var subsets = try AutomatonConstruction.run(trie, classes, PolicySetLimits())
            for state in 1..<subsets.count {
                // Any function of the rules that match will do; this one leaves some apart and takes some together.
                let rules = subsets.nodes[subsets.nodeRange(state)].filter { trie.firstAcceptance[Int($0)] >= 0 }
                subsets.outputs[state] = UInt64(rules.reduce(0) { $0 | Int(trie.acceptances[Int(trie.firstAcceptance[Int($1)])].rule + 1) }) << 32
            }
            let (automaton, representatives) = AutomatonMinimiser.run(subsets)
            #expect(automaton.count == bruteForce(subsets, classes.count), "seed \(seed), automaton \(number)")
            #expect(representatives.count == automaton.count)
        }
    }

    /// States that no text tells apart, counted; the dead one is always there.
    private func bruteForce(_ subsets: AutomatonSubsets, _ classes: Int) -> Int {
        func target(_ state: Int, _ byteClass: Int) -> Int {
            for index in subsets.range(state) where Int(subsets.classes[index]) == byteClass { return Int(subsets.targets[index]) }
            return Int(subsets.defaults[state])
        }
        var blocks = [Int](repeating: 0, count: subsets.count)
        while true {
            var numbers: [[UInt64]: Int] = [:]
            // One class beyond the last stands for every byte that takes the default.
            let next = (0..<subsets.count).map { state in
                let signature = (1...classes + 1).flatMap { byteClass -> [UInt64] in
                    let target = target(state, byteClass)
                    return [UInt64(blocks[target]), subsets.outputs[target]]
                }
                return numbers[signature, default: numbers.count]
                    .also { numbers[signature] = $0 }
            }
            if Set(next).count == Set(blocks).count { return Set(next).count }
            blocks = next
        }
    }
}

extension Int {
    fileprivate func also(_ body: (Int) -> Void) -> Int {
        body(self)
        return self
    }
}
