/// Subset construction: the deterministic automaton of a trie, its states the sets of nodes that a path can be at.
///
/// Where only literal bytes lie ahead a state is one node and is found without building a set. Elsewhere the transition of the bytes
/// that no rule names is the default, and only the classes that some edge treats otherwise are looked at.
struct AutomatonConstruction {
    private let limits: PolicySetLimits
    private let trie: AutomatonTrie
    private let classes: AutomatonClasses
    /// Each trie set as classes, and the classes that it treats otherwise than `classes.other`.
    private let setClasses: [ByteSet]
    private let setDifferences: [[UInt8]]
    private var table = AutomatonSubsetTable()
    private var result = AutomatonSubsets()
    private var work = 0
    /// State of each node's closure once known.
    private var closureStates: [Int32]
    // One set being gathered; `marks` tells who is in it.
    private var gathered: [AutomatonTrie.Node] = []
    private var marks: [Int32]
    private var epoch: Int32 = 0
    // The edges of one state by class.
    private var literals: [[AutomatonTrie.Node]] = Array(repeating: [], count: 256)
    private var touched: [UInt8] = []
    private var within: [AutomatonTrie.Node] = []
    private var across: [AutomatonTrie.Node] = []
    private var setEdges: [(set: Int, target: AutomatonTrie.Node)] = []

    private init(_ trie: AutomatonTrie, _ classes: AutomatonClasses, _ limits: PolicySetLimits) {
        self.limits = limits
        self.trie = trie
        self.classes = classes
        closureStates = [Int32](repeating: -1, count: trie.count)
        marks = [Int32](repeating: 0, count: trie.count)
        let sets = trie.sets.map { classes.classes(of: $0) }
        setClasses = sets
        setDifferences = sets.map { set in
            (1..<classes.count + 1).map { UInt8($0) }.filter { set.contains($0) != set.contains(classes.other) }
        }
    }

    static func run(
        _ trie: AutomatonTrie, _ classes: AutomatonClasses, _ limits: PolicySetLimits
    ) throws(AutomatonLimit) -> AutomatonSubsets {
        var construction = AutomatonConstruction(trie, classes, limits)
        return try construction.run()
    }

    private mutating func run() throws(AutomatonLimit) -> AutomatonSubsets {
        result.start = closure(of: AutomatonTrie.root)
        var state = 1
        while state < table.count {
            expand(state)
            result.first.append(Int32(result.classes.count))
            try check()
            state += 1
        }
        result.outputs = [Automaton.Output](repeating: 0, count: table.count)
        result.nodes = table.pool
        result.nodeFirst = table.first
        return result
    }

    private mutating func expand(_ state: Int) {
        let range = table.range(state)
        if range.count == 1, expandSingle(table.pool[range.lowerBound]) { return }
        collectEdges(range)
        begin()
        for node in within { add(node) }
        for node in across { add(node) }
        for edge in setEdges where setClasses[edge.set].contains(classes.other) { add(edge.target) }
        let defaultState = finish()
        result.defaults.append(defaultState)
        for byteClass in candidates() {
            begin()
            if byteClass != classes.slash { for node in within { add(node) } }
            for node in across { add(node) }
            for edge in setEdges where setClasses[edge.set].contains(byteClass) { add(edge.target) }
            for target in literals[Int(byteClass)] { add(target) }
            literals[Int(byteClass)].removeAll(keepingCapacity: true)
            let target = finish()
            if target != defaultState { append(byteClass, target) }
        }
    }

    /// True if the node has literal edges only.
    private mutating func expandSingle(_ node: AutomatonTrie.Node) -> Bool {
        guard trie.loops[Int(node)] == .none else { return false }
        var found: [(byteClass: UInt8, target: AutomatonTrie.Node)] = []
        var edge = trie.firstEdge[Int(node)]
        while edge >= 0 {
            let current = trie.edges[Int(edge)]
            // Edges without a byte were followed when the set was made.
            if current.label >= AutomatonTrie.firstSet { return false }
            if current.label != 0 && current.label != AutomatonTrie.empty {
                found.append((classes.table[Int(current.label)], current.target))
            }
            edge = current.next
        }
        result.defaults.append(0)
        if found.count > 1 { found.sort { $0.byteClass < $1.byteClass } }
        for (byteClass, target) in found { append(byteClass, closure(of: target)) }
        return true
    }

    private mutating func collectEdges(_ range: Range<Int>) {
        within.removeAll(keepingCapacity: true)
        across.removeAll(keepingCapacity: true)
        setEdges.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
        for index in range {
            let node = table.pool[index]
            switch trie.loops[Int(node)] {
            case .none: break
            case .withinComponent: within.append(node)
            case .acrossComponents: across.append(node)
            }
            var edge = trie.firstEdge[Int(node)]
            while edge >= 0 {
                let current = trie.edges[Int(edge)]
                if current.label >= AutomatonTrie.firstSet {
                    setEdges.append((Int(current.label - AutomatonTrie.firstSet), current.target))
                } else if current.label != AutomatonTrie.empty && current.label != 0 {
                    let byteClass = classes.table[Int(current.label)]
                    if literals[Int(byteClass)].isEmpty { touched.append(byteClass) }
                    literals[Int(byteClass)].append(current.target)
                }
                edge = current.next
            }
        }
    }

    /// The classes that may lead elsewhere than the default, ascending.
    private mutating func candidates() -> [UInt8] {
        var known = ByteSet(touched)
        func want(_ byteClass: UInt8) {
            guard !known.contains(byteClass) else { return }
            known.insert(byteClass)
            touched.append(byteClass)
        }
        if !within.isEmpty { want(classes.slash) }
        for edge in setEdges { for byteClass in setDifferences[edge.set] { want(byteClass) } }
        touched.sort()
        return touched
    }

    private mutating func append(_ byteClass: UInt8, _ target: Int32) {
        result.classes.append(byteClass)
        result.targets.append(target)
    }

    private mutating func closure(of node: AutomatonTrie.Node) -> Int32 {
        if closureStates[Int(node)] >= 0 { return closureStates[Int(node)] }
        begin()
        add(node)
        let state = finish()
        closureStates[Int(node)] = state
        return state
    }

    private mutating func begin() {
        epoch += 1
        gathered.removeAll(keepingCapacity: true)
    }

    /// Adds a node and what it leads to without a byte.
    private mutating func add(_ node: AutomatonTrie.Node) {
        guard marks[Int(node)] != epoch else { return }
        marks[Int(node)] = epoch
        work += 1
        var matters = trie.loops[Int(node)] != .none || trie.firstAcceptance[Int(node)] >= 0
        var edge = trie.firstEdge[Int(node)]
        while edge >= 0 {
            let current = trie.edges[Int(edge)]
            if current.label == AutomatonTrie.empty { add(current.target) } else { matters = true }
            edge = current.next
        }
        // A node that only leads on without a byte says nothing of its own.
        if matters { gathered.append(node) }
    }

    private mutating func finish() -> Int32 {
        if gathered.count > 1 { gathered.sort() }
        return table.number(of: gathered)
    }

    private func check() throws(AutomatonLimit) {
        if table.count > limits.states {
            throw AutomatonLimit(limit: .states, maximum: limits.states, reached: table.count, shares: shares(), unit: "states")
        }
        if work > limits.work {
            throw AutomatonLimit(limit: .work, maximum: limits.work, reached: work, shares: shares(), unit: "states")
        }
    }

    /// How many states each rule is the main reason of.
    private func shares() -> [Int] {
        var owners = AutomatonOwners(trie)
        var shares = owners.none
        for state in 1..<table.count { shares[owners.main(of: table.pool[table.range(state)])] += 1 }
        return shares
    }
}
