import CABI

/// The automaton of allowed arguments: it reads a rule's number and the decision's place in its row as five key bytes, and one argument.
///
/// Where a decision depends on several rules, an argument must be allowed by each of them.
struct PolicySetArguments {
    private(set) var trie = AutomatonTrie()

    /// All that arguments may need of the classes of bytes, before it is known which rules decide together.
    static func alphabet(_ rules: [PolicyRule]) -> AutomatonTrie {
        var trie = AutomatonTrie()
        for (number, rule) in rules.enumerated() where !rule.allowedArguments.isEmpty {
            trie.insert(key(UInt32(number), 0).map { .byte($0) }, rule: number)
            for value in 0..<64 { trie.insert([.byte(PolicySetArguments.byte(value))], rule: number) }
            for argument in rule.allowedArguments { trie.insert(argument.utf8.map { .byte($0) }, rule: number) }
        }
        return trie
    }

    init(_ groups: [PolicySetRows.ArgumentsKey: [Int32]], _ rules: [PolicyRule]) {
        var places: [[Int32]: [Int]] = [:]
        for (key, group) in groups { places[group, default: []].append(key.place) }
        for group in places.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let first = Int(group[0])
            let allowed = group.dropFirst().reduce(rules[first].allowedArguments) { rest, rule in
                let others = Set(rules[Int(rule)].allowedArguments.map { Array($0.utf8) })
                return rest.filter { others.contains(Array($0.utf8)) }
            }
            // All places share what follows: a rule costs its arguments once, however many sources there are.
            let alternatives = (places[group] ?? []).sorted().map { Self.key(0, $0).suffix(2).map { Glob.Element.byte($0) } }
            let prefix = Self.key(UInt32(first), 0).prefix(3).map { Glob.Element.byte($0) } + [.alternatives(alternatives)]
            for argument in allowed { trie.insert(prefix + argument.utf8.map { .byte($0) }, rule: first) }
        }
    }

    /// What is read before the argument.
    static func key(_ rule: UInt32, _ place: Int) -> [UInt8] {
        let rule = Int(rule)
        return [rule, rule >> 6, rule >> 12, place, place >> 6].map(byte)
    }

    private static func byte(_ value: Int) -> UInt8 { UInt8(PC_KEY_BYTE_BASE) | UInt8(value & 63) }
}
