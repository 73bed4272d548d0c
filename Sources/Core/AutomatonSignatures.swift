/// The transitions of some states with the blocks that they lead to, to be compared.
struct AutomatonSignatures {
    /// One word for each transition, in the form of a cell whose base is the block.
    private var words: [UInt64] = []
    private var first: [Int] = [0]
    private var hashes: [UInt64] = []

    mutating func removeAll() {
        words.removeAll(keepingCapacity: true)
        first.removeAll(keepingCapacity: true)
        first.append(0)
        hashes.removeAll(keepingCapacity: true)
    }

    mutating func add(_ state: Int, of subsets: AutomatonSubsets, _ blocks: [Int32]) {
        func word(to state: Int32) -> UInt64 { UInt64(blocks[Int(state)]) | subsets.outputs[Int(state)] }
        let byDefault = word(to: subsets.defaults[state])
        words.append(byDefault)
        var hash = Self.mix(0, byDefault)
        for index in subsets.range(state) {
            let word = word(to: subsets.targets[index])
            // What the default would give as well is no transition of its own.
            guard word != byDefault else { continue }
            let labelled = word | UInt64(subsets.classes[index]) << 24
            words.append(labelled)
            hash = Self.mix(hash, labelled)
        }
        hashes.append(hash)
        first.append(words.count)
    }

    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        return product ^ product >> 32
    }

    /// The states added, by their numbers in the order of adding, those with the same transitions together.
    func parts() -> [[Int]] {
        if hashes.count == 1 { return [[0]] }
        // The hash is only there to be quick: states are merged for equal transitions.
        let sorted = hashes.indices.sorted { compare($0, $1) < 0 }
        var parts: [[Int]] = []
        for number in sorted {
            if let last = parts.last?[0], compare(last, number) == 0 {
                parts[parts.count - 1].append(number)
            } else {
                parts.append([number])
            }
        }
        return parts
    }

    /// Whether the state added last has the same transitions as this one.
    func isLast(like number: Int) -> Bool { compare(number, hashes.count - 1) == 0 }

    private func compare(_ left: Int, _ right: Int) -> Int {
        if hashes[left] != hashes[right] { return hashes[left] < hashes[right] ? -1 : 1 }
        let leftCount = first[left + 1] - first[left]
        let rightCount = first[right + 1] - first[right]
        if leftCount != rightCount { return leftCount < rightCount ? -1 : 1 }
        for offset in 0..<leftCount {
            let (leftWord, rightWord) = (words[first[left] + offset], words[first[right] + offset])
            if leftWord != rightWord { return leftWord < rightWord ? -1 : 1 }
        }
        return 0
    }
}
