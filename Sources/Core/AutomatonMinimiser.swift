/// Merges the states that no continuation tells apart.
///
/// What a path finds is written on transitions: two states are one if every text read from them finds the same, whatever was found on
/// the way to them. So all states that end a rule's path are the dead state.
///
/// All states begin in one block. A state's signature is its transitions with the blocks that they lead to; members of a block whose
/// signatures differ part. Only states that lead to one that has moved to another block are looked at again, and of the parts of a
/// block the largest keeps its number, so that no state moves more than log n times.
struct AutomatonMinimiser {
    private let subsets: AutomatonSubsets
    /// Block of each state.
    private var blocks: [Int32]
    /// The states, those of a block together, first the ones to be looked at again; and where each state stands.
    private var order: [Int32]
    private var positions: [Int32]
    private var begins: [Int32] = [0]
    private var ends: [Int32]
    /// States of each block to be looked at again, and the blocks that have any.
    private var marked: [Int32]
    private var queue: [Int32] = [0]
    /// States that lead to each state.
    private var firstPredecessor: [Int32]
    private var predecessors: [Int32]
    private var signatures = AutomatonSignatures()

    private init(_ subsets: AutomatonSubsets) {
        self.subsets = subsets
        let count = subsets.count
        blocks = [Int32](repeating: 0, count: count)
        order = (0..<count).map { Int32($0) }
        positions = order
        ends = [Int32(count)]
        marked = ends
        firstPredecessor = [Int32](repeating: 0, count: count + 1)
        for target in subsets.defaults + subsets.targets { firstPredecessor[Int(target) + 1] += 1 }
        for state in 0..<count { firstPredecessor[state + 1] += firstPredecessor[state] }
        predecessors = [Int32](repeating: 0, count: subsets.defaults.count + subsets.targets.count)
        var next = firstPredecessor
        for state in 0..<count {
            Self.put(Int32(state), at: Int(subsets.defaults[state]), &next, &predecessors)
            for index in subsets.range(state) { Self.put(Int32(state), at: Int(subsets.targets[index]), &next, &predecessors) }
        }
    }

    private static func put(_ state: Int32, at target: Int, _ next: inout [Int32], _ predecessors: inout [Int32]) {
        predecessors[Int(next[target])] = state
        next[target] += 1
    }

    /// The least automaton, and for each of its states one of those that it stands for.
    static func run(_ subsets: AutomatonSubsets) -> (automaton: Automaton, representatives: [Int]) {
        var minimiser = AutomatonMinimiser(subsets)
        minimiser.refine()
        return minimiser.emit()
    }

    private mutating func refine() {
        var head = 0
        while head < queue.count {
            split(Int(queue[head]))
            head += 1
        }
    }

    /// Parts the members of a block whose signatures have come to differ.
    private mutating func split(_ block: Int) {
        let begin = Int(begins[block])
        let end = Int(ends[block])
        let dirty = Int(marked[block])
        marked[block] = 0
        signatures.removeAll()
        for position in begin..<begin + dirty { signatures.add(Int(order[position]), of: subsets, blocks) }
        // The members that were not marked agree among themselves, so one speaks for all.
        let clean = end - begin - dirty
        var parts = signatures.parts()
        var size = clean
        if clean > 0 {
            signatures.add(Int(order[end - 1]), of: subsets, blocks)
            if let same = parts.firstIndex(where: { signatures.isLast(like: $0[0]) }) {
                // Next to the clean ones.
                let part = parts.remove(at: same)
                parts.append(part)
                size += part.count
            } else {
                parts.append([])
            }
        } else {
            size = parts.last?.count ?? 0
        }
        guard parts.count > 1 else { return }
        let members = parts.map { part in part.map { order[begin + $0] } }
        var position = begin
        for member in members.joined() {
            order[position] = member
            positions[Int(member)] = Int32(position)
            position += 1
        }
        var sizes = parts.map(\.count)
        sizes[sizes.count - 1] = size
        renumber(block, begin, sizes)
    }

    /// Gives every part but the largest a new number and marks who leads to it.
    private mutating func renumber(_ block: Int, _ begin: Int, _ sizes: [Int]) {
        let largest = sizes.indices.max { sizes[$0] < sizes[$1] } ?? 0
        var moved: [Range<Int>] = []
        var start = begin
        for (part, size) in sizes.enumerated() {
            let range = start..<start + size
            start += size
            if part == largest {
                begins[block] = Int32(range.lowerBound)
                ends[block] = Int32(range.upperBound)
                continue
            }
            let number = Int32(begins.count)
            begins.append(Int32(range.lowerBound))
            ends.append(Int32(range.upperBound))
            marked.append(0)
            for position in range { blocks[Int(order[position])] = number }
            moved.append(range)
        }
        // Marking changes the order within blocks, and those that moved may lead to each other.
        for state in moved.flatMap({ order[$0] }) {
            for index in Int(firstPredecessor[Int(state)])..<Int(firstPredecessor[Int(state) + 1]) { mark(predecessors[index]) }
        }
    }

    private mutating func mark(_ state: Int32) {
        let block = Int(blocks[Int(state)])
        let position = Int(positions[Int(state)])
        let boundary = Int(begins[block] + marked[block])
        guard position >= boundary else { return }
        if marked[block] == 0 { queue.append(Int32(block)) }
        let other = order[boundary]
        order[boundary] = state
        order[position] = other
        positions[Int(state)] = Int32(boundary)
        positions[Int(other)] = Int32(position)
        marked[block] += 1
    }

    private func transition(to state: Int32) -> Automaton.Transition {
        Automaton.Transition(target: blocks[Int(state)], output: subsets.outputs[Int(state)])
    }

    /// One state for each block, numbered in the order of first appearance, the dead state's being 0.
    private mutating func emit() -> (automaton: Automaton, representatives: [Int]) {
        var representatives = [0]
        var numbers = [Int32](repeating: -1, count: subsets.count)
        numbers[Int(blocks[0])] = 0
        for state in 1..<subsets.count where numbers[Int(blocks[state])] < 0 {
            numbers[Int(blocks[state])] = Int32(representatives.count)
            representatives.append(state)
        }
        for state in 0..<subsets.count { blocks[state] = numbers[Int(blocks[state])] }
        var automaton = Automaton()
        automaton.start = blocks[Int(subsets.start)]
        for state in representatives.dropFirst() {
            let byDefault = transition(to: subsets.defaults[state])
            automaton.defaults.append(byDefault)
            for index in subsets.range(state) {
                let transition = transition(to: subsets.targets[index])
                guard transition != byDefault else { continue }
                automaton.classes.append(subsets.classes[index])
                automaton.transitions.append(transition)
            }
            automaton.first.append(Int32(automaton.classes.count))
        }
        return (automaton, representatives)
    }
}
