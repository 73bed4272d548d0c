/// The sets of nodes met so far, each a state: an open hash table over one pool of nodes, because a dictionary of arrays would
/// allocate for every state.
struct AutomatonSubsetTable {
    private(set) var pool: [AutomatonTrie.Node] = []
    private(set) var first: [Int32] = [0, 0]
    private var hashes: [UInt64] = [0]
    private var slots = [Int32](repeating: 0, count: 1 << 10)

    /// States, the empty set (number 0) included.
    var count: Int { first.count - 1 }

    func range(_ state: Int) -> Range<Int> { Int(first[state])..<Int(first[state + 1]) }

    /// The number of a set of nodes, ascending; a new one if it was not met before.
    mutating func number(of nodes: [AutomatonTrie.Node]) -> Int32 {
        if nodes.isEmpty { return 0 }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for node in nodes {
            hash = (hash ^ UInt64(node)) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 29
        }
        var slot = Int(hash >> 7) & (slots.count - 1)
        while slots[slot] != 0 {
            let state = Int(slots[slot])
            if hashes[state] == hash && equals(state, nodes) { return Int32(state) }
            slot = (slot + 1) & (slots.count - 1)
        }
        let state = Int32(count)
        slots[slot] = state
        hashes.append(hash)
        pool.append(contentsOf: nodes)
        first.append(Int32(pool.count))
        if count * 2 > slots.count { grow() }
        return state
    }

    private func equals(_ state: Int, _ nodes: [AutomatonTrie.Node]) -> Bool {
        let range = range(state)
        guard range.count == nodes.count else { return false }
        for index in 0..<nodes.count where pool[range.lowerBound + index] != nodes[index] { return false }
        return true
    }

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for state in 1..<count {
            var slot = Int(hashes[state] >> 7) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(state)
        }
    }
}
