/// The rules of one section as one nondeterministic automaton: a trie whose edges are the elements of globs.
///
/// Rules that begin alike share their nodes, so a path that is read is at few nodes at once and subset construction stays small.
/// `*` and `**` are nodes with a loop, entered without reading a byte.
struct AutomatonTrie {
    typealias Node = Int32

    enum Loop: UInt8 {
        case none
        /// On any byte but `/`.
        case withinComponent
        case acrossComponents
    }

    /// A node's outgoing edges are a list: most nodes have one.
    struct Edge {
        /// 0 to 255 the byte, `empty`, or `firstSet` and up.
        var label: UInt32
        var target: Node
        var next: Int32
    }
    static let empty: UInt32 = 256
    static let firstSet: UInt32 = 257

    /// That a path which ends at this node matches a rule (for the source automaton: a source).
    struct Acceptance {
        var rule: Int32
        var next: Int32
    }

    private(set) var firstEdge: [Int32] = []
    private(set) var edges: [Edge] = []
    private(set) var loops: [Loop] = []
    private(set) var firstAcceptance: [Int32] = []
    private(set) var acceptances: [Acceptance] = []
    /// The rule that brought each node: what it costs is charged to it.
    private(set) var owners: [Int32] = []
    private(set) var sets: [ByteSet] = []
    private var setNumbers: [ByteSet: UInt32] = [:]
    /// Node after alternatives, by the node before them. Only the latest are searched: not to be quadratic matters more than to share.
    private var joins: [Node: [(alternatives: [[Glob.Element]], join: Node)]] = [:]
    private var owner: Int32 = 0

    static let root: Node = 0
    var count: Int { loops.count }
    var isEmpty: Bool { acceptances.isEmpty }

    init() { _ = addNode(.none) }

    /// Adds what `target` names. Edges lead from lower to higher nodes, loops aside: `AutomatonReach` relies on it.
    mutating func insert(_ target: PolicyRule.Target, rule: Int) {
        owner = Int32(rule)
        switch target {
        case .path(let path):
            accept(insert(bytes: path.utf8, from: Self.root), rule)
        case .directory(let directory, let recursive):
            let end = insert(bytes: directory.utf8, from: Self.root)
            if end != Self.root { accept(end, rule) }
            // No path ends in a slash but "/", so the node after it may accept too: one state less below a recursive directory.
            accept(loopNode(recursive ? .acrossComponents : .withinComponent, from: child(of: end, label: 0x2f)), rule)
        case .pattern(let glob):
            accept(insert(glob.elements, from: Self.root), rule)
        case .executableName(let name):
            let slash = child(of: loopNode(.acrossComponents, from: Self.root), label: 0x2f)
            accept(insert(bytes: name.utf8, from: slash), rule)
        case .socket(let word):
            for pattern in word.patterns { accept(insert(pattern, from: Self.root), rule) }
        case .capability(let capability):
            accept(insert(bytes: [capability.key], from: Self.root), rule)
        case .domain(let name):
            for pattern in DomainName.patterns(name) { accept(insert(pattern, from: Self.root), rule) }
        case .preset(let preset):
            for pattern in preset.patterns { accept(insert(pattern, from: Self.root), rule) }
        case .systemCall(let call, let place):
            for key in call.keys { for pattern in place.patterns { accept(insert(key.map { .byte($0) } + pattern, from: Self.root), rule) } }
        }
    }

    /// Adds what the elements name.
    mutating func insert(_ elements: [Glob.Element], rule: Int) {
        owner = Int32(rule)
        accept(insert(elements, from: Self.root), rule)
    }

    private mutating func insert(bytes: some Sequence<UInt8>, from start: Node) -> Node {
        var node = start
        for byte in bytes { node = child(of: node, label: UInt32(byte)) }
        return node
    }

    private mutating func insert(_ elements: [Glob.Element], from start: Node) -> Node {
        var node = start
        for element in elements {
            switch element {
            case .byte(let byte): node = child(of: node, label: UInt32(byte))
            case .set(let set): node = child(of: node, label: number(of: set))
            case .withinComponent: node = loopNode(.withinComponent, from: node)
            case .acrossComponents: node = loopNode(.acrossComponents, from: node)
            case .alternatives(let alternatives): node = join(alternatives, from: node)
            }
        }
        return node
    }

    /// `**` after `**` names nothing more, nor does `*` after `*`.
    private mutating func loopNode(_ loop: Loop, from node: Node) -> Node {
        if loops[Int(node)] == loop { return node }
        var edge = firstEdge[Int(node)]
        while edge >= 0 {
            let found = edges[Int(edge)]
            if found.label == Self.empty && loops[Int(found.target)] == loop { return found.target }
            edge = found.next
        }
        let new = addNode(loop)
        addEdge(from: node, label: Self.empty, to: new)
        return new
    }

    private mutating func join(_ alternatives: [[Glob.Element]], from node: Node) -> Node {
        if let known = joins[node]?.suffix(16).first(where: { $0.alternatives == alternatives }) { return known.join }
        let ends = alternatives.map { insert($0, from: node) }
        let join = addNode(.none)
        for end in ends { addEdge(from: end, label: Self.empty, to: join) }
        joins[node, default: []].append((alternatives, join))
        return join
    }

    private mutating func child(of node: Node, label: UInt32) -> Node {
        var edge = firstEdge[Int(node)]
        while edge >= 0 {
            if edges[Int(edge)].label == label { return edges[Int(edge)].target }
            edge = edges[Int(edge)].next
        }
        let new = addNode(.none)
        addEdge(from: node, label: label, to: new)
        return new
    }

    private mutating func addEdge(from node: Node, label: UInt32, to target: Node) {
        edges.append(Edge(label: label, target: target, next: firstEdge[Int(node)]))
        firstEdge[Int(node)] = Int32(edges.count - 1)
    }

    private mutating func addNode(_ loop: Loop) -> Node {
        firstEdge.append(-1)
        loops.append(loop)
        firstAcceptance.append(-1)
        owners.append(owner)
        return Node(loops.count - 1)
    }

    private mutating func number(of set: ByteSet) -> UInt32 {
        if let known = setNumbers[set] { return known }
        let number = Self.firstSet + UInt32(sets.count)
        sets.append(set)
        setNumbers[set] = number
        return number
    }

    private mutating func accept(_ node: Node, _ rule: Int) {
        // A rule that says the same twice, as `{a,a}` does, is named once.
        let first = firstAcceptance[Int(node)]
        if first >= 0 && acceptances[Int(first)].rule == Int32(rule) { return }
        acceptances.append(Acceptance(rule: Int32(rule), next: first))
        firstAcceptance[Int(node)] = Int32(acceptances.count - 1)
    }
}
