import Testing

@testable import Core

@Suite struct AutomatonClassesTests {
    private func classes(_ targets: PolicyRule.Target...) -> AutomatonClasses {
        var trie = AutomatonTrie()
        for (number, target) in targets.enumerated() { trie.insert(target, rule: number) }
        return AutomatonClasses([trie])
    }

    @Test func bytesThatNothingNamesAreOneClass() {
        let classes = classes(.path("/ab"))
        #expect(classes.count == 4 && classes.other == 4)
        #expect(Set([0x2f, 0x61, 0x62].map { classes.table[$0] }).count == 3)
        #expect((0..<256).allSatisfy { [0x2f, 0x61, 0x62].contains($0) || classes.table[$0] == classes.other })
    }

    @Test func setsTellBytesApart() {
        let classes = classes(.pattern("/[a-m]"), .pattern("/[h-z]"))
        // The slash, a-g, h-m, n-z, all others.
        #expect(classes.count == 5)
        for (one, same, other) in [("a", "g", "h"), ("h", "m", "n"), ("n", "z", "A"), ("A", "~", "a")] {
            let found = [one, same, other].map { classes.table[Int($0.utf8.first ?? 0)] }
            #expect(found[0] == found[1] && found[0] != found[2])
        }
    }

    @Test func allBytesMayBeNamed() throws {
        let path: [UInt8] = [0x2f] + (1...255).filter { $0 != 0x2f }
        let all = Glob(text: "", elements: path.map { .byte($0) })
        let classes = classes(.pattern(all))
        #expect(classes.count == 255 && classes.other == 0 && Set(classes.table[1...]).count == 255 && !classes.table.contains(0))
        let compiled = try Compiled(.file(.block, .pattern(all)), .file(.audit, .pattern("/[^a]*")))
        #expect(compiled.image.decision(automaton: .file, path: path, source: 0, owner: false, write: false).rule == 0)
        #expect(compiled.image.decision(automaton: .file, path: path + [1], source: 0, owner: false, write: false).rule == 1)
        #expect(compiled.says(.file, "/a") == "allow")
    }
}
