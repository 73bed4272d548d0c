/// Bytes that no rule tells apart, put into classes: the table has one transition for each class, not for each byte.
///
/// Classes are numbered from 1, those that rules name most often first, so that the cells of a state lie close together.
struct AutomatonClasses {
    /// Class of each byte.
    private(set) var table = [UInt8](repeating: 0, count: 256)
    /// Classes there are.
    private(set) var count = 0
    /// The class of the bytes that nothing names: it takes every state's default transition and never has a cell of its own.
    private(set) var other: UInt8 = 0

    /// Class of the slash, which `*` stops at.
    var slash: UInt8 { table[0x2f] }

    init(_ tries: [AutomatonTrie]) {
        var uses = [Int](repeating: 0, count: 256)
        uses[0x2f] = 1
        var sets = Set<ByteSet>()
        for trie in tries {
            for edge in trie.edges where edge.label < 256 { uses[Int(edge.label)] += 1 }
            sets.formUnion(trie.sets)
        }
        // Bytes that no rule names alone are told apart by the sets that hold them. NUL does not occur in a path.
        var group = [Int](repeating: 0, count: 256)
        var groups = 1
        for set in sets {
            var split: [Int: Int] = [:]
            for byte in 1..<256 where uses[byte] == 0 && set.contains(UInt8(byte)) {
                if split[group[byte]] == nil {
                    split[group[byte]] = groups
                    groups += 1
                }
                group[byte] = split[group[byte]] ?? 0
            }
        }
        var members: [Int: [Int]] = [:]
        for byte in 1..<256 where uses[byte] == 0 { members[group[byte], default: []].append(byte) }
        // By first byte, for the sets come in no order of their own and equal input must give an equal image.
        var shared = members.values.sorted { ($0.count, $1[0]) > ($1.count, $0[0]) }
        let others = shared.isEmpty ? [] : shared.removeFirst()
        for byte in (1..<256).filter({ uses[$0] > 0 }).sorted(by: { (uses[$0], $1) > (uses[$1], $0) }) { add([byte]) }
        for bytes in shared { add(bytes) }
        if !others.isEmpty {
            add(others)
            other = UInt8(count)
        }
        table[0] = other == 0 ? 1 : other
    }

    private mutating func add(_ bytes: [Int]) {
        count += 1
        for byte in bytes { table[byte] = UInt8(count) }
    }

    /// The classes whose bytes are in the set.
    func classes(of set: ByteSet) -> ByteSet {
        var result = ByteSet()
        for byte in 1..<256 where set.contains(UInt8(byte)) { result.insert(table[byte]) }
        return result
    }
}
