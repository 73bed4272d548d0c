import CABI

/// The cells of a set's image: the states of all automata laid into one array, each in the gaps that the others leave.
struct AutomatonTable {
    /// Places looked at for a state, in words of 64, before the search for states of its size begins further on.
    private static let patience = 48
    /// States with this many cells are laid first: they need the room, and the others fit between.
    private static let large = 6

    private(set) var cells: [UInt64]
    /// Every base is at or beyond the header, so that no lookup reads it as a cell. The lowest is the dead state's, which has no cells:
    /// a walk that goes on there finds nothing, and needs not be asked whether it may.
    private let lowest: Int
    /// A bit for each cell that is taken and for each base; 64 places are looked at together.
    private var taken: [UInt64] = []
    private var bases: [UInt64] = []
    /// No cell below is free.
    private var hint: Int
    /// The word at which the search begins for states with this many cells; for many, the last one.
    private var begins = [Int](repeating: 0, count: 33)
    private var end: Int
    private var highestBase: Int
    /// Cells that hold a transition.
    private(set) var used = 0

    init(header: Int) {
        lowest = header
        hint = header
        end = header + 1
        highestBase = header
        cells = [UInt64](repeating: 0, count: header + 1)
        extend(to: header + 1)
        for position in 0..<header { Self.set(&taken, position) }
        for base in 0...header { Self.set(&bases, base) }
    }

    /// The first cell that no lookup in the table can reach.
    func bound(classes: Int) -> Int { max(end, highestBase + classes + 1) }

    /// Lays an automaton into the table and gives the base of its start state.
    mutating func add(_ automaton: Automaton) -> UInt32 {
        guard automaton.start != Automaton.dead else { return 0 }
        var base = [UInt32](repeating: 0, count: automaton.count)
        base[Int(Automaton.dead)] = UInt32(lowest)
        // Depth first, so that the cells that one path is followed through lie near each other.
        let order = Self.depthFirst(automaton)
        for wantsLarge in [true, false] {
            for state in order where (automaton.cellCount(Int(state)) >= Self.large) == wantsLarge {
                base[Int(state)] = UInt32(place(automaton, Int(state)))
            }
        }
        if cells.count < end { cells.append(contentsOf: repeatElement(0, count: end - cells.count)) }
        for state in 1..<automaton.count where base[state] != 0 {
            let from = Int(base[state])
            if automaton.hasDefault(state) { cells[from] = cell(automaton, automaton.defaults[state], 0, base) }
            for index in automaton.range(state) {
                let byteClass = automaton.classes[index]
                cells[from + Int(byteClass)] = cell(automaton, automaton.transitions[index], byteClass, base)
            }
        }
        return base[Int(automaton.start)]
    }

    private static func depthFirst(_ automaton: Automaton) -> [Int32] {
        var order: [Int32] = []
        var seen = [Bool](repeating: false, count: automaton.count)
        seen[Int(Automaton.dead)] = true
        var stack = [automaton.start]
        while let state = stack.popLast() {
            guard !seen[Int(state)] else { continue }
            seen[Int(state)] = true
            order.append(state)
            stack.append(automaton.defaults[Int(state)].target)
            for index in automaton.range(Int(state)).reversed() { stack.append(automaton.transitions[index].target) }
        }
        return order
    }

    private func cell(_ automaton: Automaton, _ transition: Automaton.Transition, _ byteClass: UInt8, _ base: [UInt32]) -> UInt64 {
        UInt64(base[Int(transition.target)]) | UInt64(byteClass) << 24 | transition.output
            | (automaton.isConstant(transition) ? PC_CELL_FINAL : 0)
    }

    /// Finds a base for the state and takes its cells.
    private mutating func place(_ automaton: Automaton, _ state: Int) -> Int {
        let range = automaton.range(state)
        let hasDefault = automaton.hasDefault(state)
        let lead = hasDefault || range.isEmpty ? 0 : Int(automaton.classes[range.lowerBound])
        let size = min(automaton.cellCount(state), begins.count - 1)
        let first = max(max(lowest, hint - lead) / 64, begins[size])
        var word = first
        while true {
            extend(to: word * 64 + 64 + 256)
            var free = ~bases[word]
            if hasDefault { free &= ~taken[word] }
            var index = range.lowerBound
            while free != 0 && index < range.upperBound {
                free &= ~window(word * 64 + Int(automaton.classes[index]))
                index += 1
            }
            if free != 0 {
                let base = word * 64 + free.trailingZeroBitCount
                take(automaton, range, base, hasDefault)
                // What lies behind is as full as it gets for states of this size.
                if word - first > Self.patience { begins[size] = first + Self.patience / 2 }
                return base
            }
            word += 1
        }
    }

    /// 64 bits of `taken` from a position on.
    private func window(_ position: Int) -> UInt64 {
        let shift = UInt64(position & 63)
        let low = taken[position >> 6] >> shift
        return shift == 0 ? low : low | taken[position >> 6 + 1] << (64 - shift)
    }

    private mutating func take(_ automaton: Automaton, _ range: Range<Int>, _ base: Int, _ hasDefault: Bool) {
        Self.set(&bases, base)
        highestBase = max(highestBase, base)
        if hasDefault { take(base) }
        for index in range { take(base + Int(automaton.classes[index])) }
        while taken[hint >> 6] == .max { hint = (hint >> 6 + 1) << 6 }
        while taken[hint >> 6] >> UInt64(hint & 63) & 1 == 1 { hint += 1 }
    }

    private mutating func take(_ position: Int) {
        Self.set(&taken, position)
        end = max(end, position + 1)
        used += 1
    }

    private static func set(_ bits: inout [UInt64], _ position: Int) { bits[position >> 6] |= 1 << UInt64(position & 63) }

    /// One word more than asked for, which `window` and `hint` may look at.
    private mutating func extend(to count: Int) {
        let words = count / 64 + 2
        guard taken.count < words else { return }
        let more = max(words, taken.count * 2) - taken.count
        taken.append(contentsOf: repeatElement(0, count: more))
        bases.append(contentsOf: repeatElement(0, count: more))
    }
}
