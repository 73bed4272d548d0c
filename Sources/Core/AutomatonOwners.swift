/// Whose a state is, for errors that name the rules which make a set large.
struct AutomatonOwners {
    private let owners: [Int32]
    /// Nodes of the state being looked at, by owner; all 0 in between.
    private var counts: [Int]

    init(_ trie: AutomatonTrie) {
        owners = trie.owners
        counts = [Int](repeating: 0, count: Int(trie.owners.max() ?? 0) + 1)
    }

    /// A share of nothing for each rule.
    var none: [Int] { counts }

    /// The rule that has brought most of a state's nodes; among equals the one with the youngest. A node that rules share, such as the
    /// loop of `/**`, is the first one's, who must not be blamed for what the others make of it.
    mutating func main(of nodes: ArraySlice<AutomatonTrie.Node>) -> Int {
        for node in nodes { counts[Int(owners[Int(node)])] += 1 }
        var best = 0
        var most = 0
        for node in nodes.reversed() {
            let owner = Int(owners[Int(node)])
            if counts[owner] > most {
                most = counts[owner]
                best = owner
            }
        }
        for node in nodes { counts[Int(owners[Int(node)])] = 0 }
        return best
    }
}
