import CABI
import Testing

@testable import Core

/// The table against the automata that were laid into it, looked up as abi.h says.
@Suite struct AutomatonTableTests {
    private static let header = 36

    /// The transition of a base for a class; nil: the walk ends.
    private func lookUp(_ cells: [UInt64], _ base: UInt32, _ byteClass: Int) -> UInt64? {
        let own = cells[Int(base) + byteClass]
        if own != 0 && Int(own >> 24 & 0xff) == byteClass { return own }
        let byDefault = cells[Int(base)]
        return byDefault != 0 && byDefault >> 24 & 0xff == 0 ? byDefault : nil
    }

    @Test(arguments: PolicySetReferenceTests.seeds.suffix(4)) func everyLookUpFindsItsTransition(seed: UInt64) throws {
        var generator = PolicySetGenerator(seed: seed)
        var tries: [AutomatonTrie] = []
        for _ in 0..<4 {
            var trie = AutomatonTrie()
            for rule in 0..<15 { trie.insert(generator.rule().target, rule: rule) }
            tries.append(trie)
        }
        let classes = AutomatonClasses(tries)
        var table = AutomatonTable(header: Self.header, classes: classes)
        var starts: [(automaton: Automaton, base: UInt32)] = []
        for trie in tries {
            var subsets = try AutomatonConstruction.run(trie, classes, PolicySetLimits())
            for state in 1..<subsets.count { subsets.outputs[state] = UInt64(state % 5) << 32 }
            let automaton = AutomatonMinimiser.run(subsets).automaton
            starts.append((automaton, table.add(automaton)))
        }
        let bound = table.bound
        let cells = table.cells + [UInt64](repeating: .max, count: 512)
        #expect(cells[..<Self.header].allSatisfy { $0 == 0 }, "the header's place is left alone")
        var taken = Set<UInt32>([UInt32(Self.header)])
        for (automaton, start) in starts {
            var bases = [automaton.start: start]
            var waiting = [automaton.start]
            #expect(taken.insert(start).inserted)
            while let state = waiting.popLast() {
                let base = try #require(bases[state])
                #expect(Int(base) / Int(PC_PAGE_CELLS) == (Int(base) + classes.count) / Int(PC_PAGE_CELLS), "a state's cells are in one page")
                #expect(Int(base) > Self.header && Int(base) + classes.count < bound)
                for byteClass in 1...classes.count {
                    let expected = automaton.transition(from: state, on: UInt8(byteClass))
                    guard let cell = lookUp(cells, base, byteClass) else {
                        #expect(expected == Automaton.Transition(), "seed \(seed), state \(state), class \(byteClass)")
                        continue
                    }
                    let target = UInt32(cell & 0xff_ffff) / 8
                    #expect(cell & 0xff_ffff << 32 == expected.output, "seed \(seed), state \(state), class \(byteClass)")
                    if expected.target == Automaton.dead {
                        #expect(Int(target) == Self.header)
                    } else if let known = bases[expected.target] {
                        #expect(known == target)
                    } else {
                        #expect(taken.insert(target).inserted, "two states share base \(target)")
                        bases[expected.target] = target
                        waiting.append(expected.target)
                    }
                }
            }
            #expect(bases.count == automaton.count - 1)
        }
        #expect(taken.count - 1 == starts.reduce(0) { $0 + $1.automaton.count - 1 })
        // Nothing follows in the dead state, whose base is the first after the header.
        #expect((1...classes.count).allSatisfy { lookUp(cells, UInt32(Self.header), $0) == nil })
        #expect(table.used == table.cells.filter { $0 != 0 }.count)
    }

    /// What the bars count on: nearly every cell of a large table holds a transition.
    @Test func theTableIsDense() throws {
        var generator = PolicySetGenerator(seed: 7)
        var trie = AutomatonTrie()
        for rule in 0..<120 {
            trie.insert(.path((0..<6).map { _ in "/" + generator.random.pick(["usr", "lib", "share", "x"]) + "\(generator.random.below(30))" }.joined()), rule: rule)
        }
        trie.insert(.executableName("python"), rule: 300)
        trie.insert(.pattern("/**/*.conf"), rule: 301)
        let classes = AutomatonClasses([trie])
        var subsets = try AutomatonConstruction.run(trie, classes, PolicySetLimits())
        for state in 1..<subsets.count { subsets.outputs[state] = UInt64(state) << 32 }
        var table = AutomatonTable(header: Self.header, classes: classes)
        _ = table.add(AutomatonMinimiser.run(subsets).automaton)
        let bound = table.bound
        #expect(table.used > 5_000 && table.used * 5 > bound * 4, "\(table.used) of \(bound)")
    }
}
