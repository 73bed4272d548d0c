/// A deterministic automaton with few explicit transitions and a default one for each state, what is found written on the transitions.
///
/// State 0 is dead: whatever follows, nothing matches. It has no transitions.
struct Automaton {
    /// What a path that ends here finds: bits as in a cell (row, PC_CELL_BENEATH_BLOCK and the like).
    typealias Output = UInt64

    struct Transition: Equatable {
        var target: Int32 = 0
        var output: Output = 0
    }

    static let dead: Int32 = 0

    var start: Int32 = 0
    /// The default transition of each state: taken by every class without one of its own.
    var defaults: [Transition] = [Transition()]
    /// Where the explicit transitions of each state begin; one more than there are states.
    var first: [Int32] = [0, 0]
    /// Of each explicit transition, ascending within a state, and none equal to its state's default.
    var classes: [UInt8] = []
    var transitions: [Transition] = []

    var count: Int { defaults.count }

    func range(_ state: Int) -> Range<Int> { Int(first[state])..<Int(first[state + 1]) }

    /// Whether the default transition leads anywhere: else it has no cell.
    func hasDefault(_ state: Int) -> Bool { defaults[state] != Transition() }

    /// Cells that the state takes in the table.
    func cellCount(_ state: Int) -> Int { range(state).count + (hasDefault(state) ? 1 : 0) }

    func transition(from state: Int32, on byteClass: UInt8) -> Transition {
        for index in range(Int(state)) where classes[index] == byteClass { return transitions[index] }
        return defaults[Int(state)]
    }

    /// The states in which nothing changes any more once the output was found: every byte leads back with the same output.
    func isConstant(_ transition: Transition) -> Bool {
        let state = Int(transition.target)
        return range(state).isEmpty && defaults[state] == transition
    }

    /// The states of which only a slash leads away: a component that no rule names, while rules may still match below it.
    func waits(_ transition: Transition, slash: UInt8) -> Bool {
        let state = Int(transition.target)
        let range = range(state)
        return range.count == 1 && classes[range.lowerBound] == slash && defaults[state] == transition
    }
}

/// What subset construction gives: the same automaton with the outputs still on its states, and what each state stands for.
struct AutomatonSubsets {
    var start: Int32 = 0
    var outputs: [Automaton.Output] = [0]
    var defaults: [Int32] = [0]
    var first: [Int32] = [0, 0]
    var classes: [UInt8] = []
    var targets: [Int32] = []
    /// Nodes of each state, `nodeFirst[s]..<nodeFirst[s + 1]` of `nodes`.
    var nodeFirst: [Int32] = [0, 0]
    var nodes: [AutomatonTrie.Node] = []

    var count: Int { defaults.count }
    func range(_ state: Int) -> Range<Int> { Int(first[state])..<Int(first[state + 1]) }
    func nodeRange(_ state: Int) -> Range<Int> { Int(nodeFirst[state])..<Int(nodeFirst[state + 1]) }
}
