import CABI

/// The cells of a set's image: the states of all automata laid into one array, each in the gaps that the others leave.
struct AutomatonTable {
    /// Cells tried for a state with several before it goes to the end, and for one with a single cell before the search moves on.
    private static let attempts = 96

    private(set) var cells: [UInt64]
    /// Every base is at or beyond the header, so that no lookup reads it as a cell. The lowest is the dead state's, which has no cells:
    /// a walk that goes on there finds nothing, and needs not be asked whether it may.
    private let lowest: Int
    private var bases: [Bool]
    /// Where the search for a free cell begins.
    private var hint: Int
    private var end: Int
    private var highestBase = 0
    /// Cells that hold a transition.
    private(set) var used = 0

    init(header: Int) {
        lowest = header
        hint = header
        highestBase = header
        end = header + 1
        cells = [UInt64](repeating: 0, count: header)
        bases = [Bool](repeating: false, count: header) + [true]
        cells.append(0)
    }

    /// The first cell that no lookup in the table can reach.
    func bound(classes: Int) -> Int { max(end, highestBase + classes + 1) }

    /// Lays an automaton into the table and gives the base of its start state.
    mutating func add(_ automaton: Automaton) -> UInt32 {
        guard automaton.start != Automaton.dead else { return 0 }
        var base = [UInt32](repeating: 0, count: automaton.count)
        base[Int(Automaton.dead)] = UInt32(lowest)
        // Depth first, so that the cells that one path is followed through lie near each other.
        var stack = [automaton.start]
        while let state = stack.popLast() {
            guard base[Int(state)] == 0 else { continue }
            base[Int(state)] = UInt32(place(automaton, Int(state)))
            for index in automaton.range(Int(state)).reversed() { push(automaton.transitions[index].target) }
            push(automaton.defaults[Int(state)].target)
        }
        func push(_ target: Int32) {
            if base[Int(target)] == 0 { stack.append(target) }
        }
        for state in 1..<automaton.count where base[state] != 0 {
            let from = Int(base[state])
            if automaton.defaults[state] != Automaton.Transition() {
                cells[from] = cell(automaton, automaton.defaults[state], 0, base)
            }
            for index in automaton.range(state) {
                let byteClass = automaton.classes[index]
                cells[from + Int(byteClass)] = cell(automaton, automaton.transitions[index], byteClass, base)
            }
        }
        return base[Int(automaton.start)]
    }

    private func cell(_ automaton: Automaton, _ transition: Automaton.Transition, _ byteClass: UInt8, _ base: [UInt32]) -> UInt64 {
        UInt64(base[Int(transition.target)]) | UInt64(byteClass) << 24 | transition.output
            | (automaton.isConstant(transition) ? PC_CELL_FINAL : 0)
    }

    /// Finds a base for the state and takes its cells. A taken cell is marked until its value is known.
    private mutating func place(_ automaton: Automaton, _ state: Int) -> Int {
        let hasDefault = automaton.defaults[state] != Automaton.Transition()
        let range = automaton.range(state)
        let lead = hasDefault ? 0 : Int(automaton.classes[range.lowerBound])
        let width = range.isEmpty ? 0 : Int(automaton.classes[range.upperBound - 1])
        var position = hint
        var tried = 0
        while true {
            position = max(position, lowest + lead)
            extend(to: position + width + 1)
            if cells[position] == 0 {
                let base = position - lead
                if fits(automaton, range, base, hasDefault) {
                    take(automaton, range, base, hasDefault)
                    return base
                }
                tried += 1
                if tried == Self.attempts {
                    // A single cell that fits nowhere here: this stretch is as full as it gets.
                    if range.count + (hasDefault ? 1 : 0) == 1 { hint = position } else { position = max(position, end - 1) }
                }
            }
            position += 1
        }
    }

    private func fits(_ automaton: Automaton, _ range: Range<Int>, _ base: Int, _ hasDefault: Bool) -> Bool {
        if bases[base] || (hasDefault && cells[base] != 0) { return false }
        for index in range where cells[base + Int(automaton.classes[index])] != 0 { return false }
        return true
    }

    private mutating func take(_ automaton: Automaton, _ range: Range<Int>, _ base: Int, _ hasDefault: Bool) {
        bases[base] = true
        highestBase = max(highestBase, base)
        if hasDefault {
            cells[base] = .max
            end = max(end, base + 1)
            used += 1
        }
        for index in range {
            let position = base + Int(automaton.classes[index])
            cells[position] = .max
            end = max(end, position + 1)
            used += 1
        }
        while hint < end && cells[hint] != 0 { hint += 1 }
    }

    private mutating func extend(to count: Int) {
        guard cells.count < count else { return }
        let more = max(count, cells.count * 2) - cells.count
        cells.append(contentsOf: repeatElement(0, count: more))
        bases.append(contentsOf: repeatElement(false, count: more))
    }
}
