import CABI

/// What the cell that leads to a place tells besides the row: which enforced rules match there, and which name something beneath.
///
/// Whoever renames a directory renames what is beneath it. A rule counts at path P if P followed by some text that begins with `/` matches the rule's target up to its final `**` (a recursive
/// directory's target is the directory, a slash, `**`). So the ancestors of a recursive directory count, and what is inside it does
/// not: that matches by itself.
struct AutomatonReach {
    private static let bits = PC_CELL_BENEATH_BLOCK | PC_CELL_BENEATH_ALLOW

    private let trie: AutomatonTrie
    /// What can be reached from a node by reading anything, or nothing.
    private var reached: [Automaton.Output]
    /// The same without what the node itself accepts.
    private var ahead: [Automaton.Output]

    /// `counts` are the bits that a match of each rule stands for.
    init(_ trie: AutomatonTrie, counts: [Automaton.Output]) {
        self.trie = trie
        ahead = [Automaton.Output](repeating: 0, count: trie.count)
        reached = ahead
        // Edges lead to higher nodes, so what they lead to is known already.
        for node in (0..<trie.count).reversed() {
            var edge = trie.firstEdge[node]
            while edge >= 0 && ahead[node] != Self.bits {
                ahead[node] |= reached[Int(trie.edges[Int(edge)].target)]
                edge = trie.edges[Int(edge)].next
            }
            reached[node] = ahead[node]
            var acceptance = trie.firstAcceptance[node]
            while acceptance >= 0 && reached[node] != Self.bits {
                reached[node] |= counts[Int(trie.acceptances[Int(acceptance)].rule)]
                acceptance = trie.acceptances[Int(acceptance)].next
            }
        }
    }

    /// The bits of a path that is at these nodes.
    func beneath(_ nodes: ArraySlice<AutomatonTrie.Node>) -> Automaton.Output {
        var result: Automaton.Output = 0
        for node in nodes where result != Self.bits {
            if trie.loops[Int(node)] == .acrossComponents { result |= ahead[Int(node)] }
            var edge = trie.firstEdge[Int(node)]
            while edge >= 0 {
                let current = trie.edges[Int(edge)]
                if current.label == 0x2f { result |= reached[Int(current.target)] }
                edge = current.next
            }
        }
        return result
    }

    /// What a rule counts for in the ancestors of what it names. Not counted: Audit rules, and names that a file keeps wherever it is
    /// moved.
    static func beneath(_ rule: PolicyRule) -> Automaton.Output {
        switch rule.target {
        case .path, .directory: break
        case .executableName, .socket, .capability, .domain, .preset, .systemCall: return 0
        case .pattern(let glob): if glob.beginsAnywhere { return 0 }
        }
        switch rule.action {
        case .block: return PC_CELL_BENEATH_BLOCK
        case .allow: return PC_CELL_BENEATH_ALLOW
        case .audit: return 0
        }
    }

    /// What a rule counts for in what it names.
    static func named(_ rule: PolicyRule) -> Automaton.Output {
        guard rule.section.isAboutPaths else { return 0 }
        switch rule.action {
        case .block: return PC_CELL_NAMED_BLOCK
        // It lets everything be, so nothing is special for being named by it.
        case .allow: return rule.target == .directory("", recursive: true) ? 0 : PC_CELL_NAMED_ALLOW
        case .audit: return 0
        }
    }
}

extension Glob {
    /// Whether it begins with `/**`.
    fileprivate var beginsAnywhere: Bool {
        elements.first == .acrossComponents || (elements.count > 1 && elements[0] == .byte(0x2f) && elements[1] == .acrossComponents)
    }
}
