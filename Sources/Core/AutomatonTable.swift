import CABI

/// The cells of a set's image: the states of all automata laid into one array, each in the gaps that the others leave.
///
/// A state's cells are in one page, and those that one path goes through are in few: going from one page to another costs a walk as much
/// as three bytes do.
struct AutomatonTable {
    private static let page = Int(PC_PAGE_CELLS)
    /// So many cells of an automaton are laid in the order of their distance from the start. Every walk goes through these.
    private static let top = page / 2

    private(set) var cells: [UInt64]
    /// Every base is at or beyond the header, so that no lookup reads it as a cell. The lowest is the dead state's, which has no cells:
    /// a walk that goes on there finds nothing, and needs not be asked whether it may.
    private let lowest: Int
    private let classes: Int
    private let slash: UInt8
    /// A bit for each cell that is taken and for each base; 64 places are looked at together.
    private var taken: [UInt64] = []
    private var bases: [UInt64] = []
    /// For each page the fewest cells of a state that found no room there.
    private var refused: [Int] = []
    private var end: Int
    private var highestBase: Int
    /// Cells that hold a transition.
    private(set) var used = 0

    init(header: Int, classes: AutomatonClasses) {
        self.classes = classes.count
        slash = classes.slash
        lowest = header
        end = header + 1
        highestBase = header
        cells = [UInt64](repeating: 0, count: header + 1)
        addPage()
        for position in 0..<header { Self.set(&taken, position) }
        for base in 0...header { Self.set(&bases, base) }
    }

    /// The first cell that no lookup in the table can reach.
    var bound: Int { max(end, highestBase + classes + 1) }

    /// Lays an automaton into the table and gives the base of its start state.
    mutating func add(_ automaton: Automaton) -> UInt32 {
        guard automaton.start != Automaton.dead else { return 0 }
        var base = [UInt32](repeating: 0, count: automaton.count)
        base[Int(Automaton.dead)] = UInt32(lowest)
        let last = refused.count - 1
        for (state, parent) in Self.order(automaton) {
            base[Int(state)] = UInt32(place(automaton, Int(state), near: state == parent ? last : Int(base[Int(parent)]) / Self.page))
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

    /// The states, each with one that leads to it: first those next to the start, then what is behind each of these, depth first.
    private static func order(_ automaton: Automaton) -> [(state: Int32, parent: Int32)] {
        var order: [(state: Int32, parent: Int32)] = []
        var seen = [Bool](repeating: false, count: automaton.count)
        seen[Int(Automaton.dead)] = true
        func targets(_ state: Int32) -> [(Int32, Int32)] {
            [(automaton.defaults[Int(state)].target, state)] + automaton.range(Int(state)).map { (automaton.transitions[$0].target, state) }
        }
        var queue = [(automaton.start, automaton.start)]
        var next = 0
        var laid = 0
        while next < queue.count && laid < top {
            let (state, parent) = queue[next]
            next += 1
            guard !seen[Int(state)] else { continue }
            seen[Int(state)] = true
            order.append((state, parent))
            laid += automaton.cellCount(Int(state))
            queue += targets(state)
        }
        var stack = Array(queue[next...].reversed())
        while let (state, parent) = stack.popLast() {
            guard !seen[Int(state)] else { continue }
            seen[Int(state)] = true
            order.append((state, parent))
            stack += targets(state).reversed()
        }
        return order
    }

    private func cell(_ automaton: Automaton, _ transition: Automaton.Transition, _ byteClass: UInt8, _ base: [UInt32]) -> UInt64 {
        UInt64(base[Int(transition.target)]) * 8 | UInt64(byteClass) << 24 | transition.output
            | (automaton.isConstant(transition) ? PC_CELL_FINAL | PC_CELL_PAUSES : 0)
            | (automaton.waits(transition, slash: slash) ? PC_CELL_WAITS | PC_CELL_PAUSES : 0)
    }

    /// Finds a base for the state in the page of a state that leads to it, else in the last page, else in a new one, which has room for any.
    private mutating func place(_ automaton: Automaton, _ state: Int, near: Int) -> Int {
        if let base = find(automaton, state, near) { return base }
        while true {
            if let base = find(automaton, state, refused.count - 1) { return base }
            addPage()
        }
    }

    /// A base in a page, its cells taken; nil if there is none.
    private mutating func find(_ automaton: Automaton, _ state: Int, _ page: Int) -> Int? {
        let size = automaton.cellCount(state)
        guard size < refused[page] else { return nil }
        let range = automaton.range(state)
        let hasDefault = automaton.hasDefault(state)
        for word in page * Self.page / 64..<(page + 1) * Self.page / 64 {
            var free = ~bases[word] & allowed(word)
            if hasDefault { free &= ~taken[word] }
            var index = range.lowerBound
            while free != 0 && index < range.upperBound {
                free &= ~window(word * 64 + Int(automaton.classes[index]))
                index += 1
            }
            guard free != 0 else { continue }
            let base = word * 64 + free.trailingZeroBitCount
            Self.set(&bases, base)
            highestBase = max(highestBase, base)
            if hasDefault { take(base) }
            for index in range { take(base + Int(automaton.classes[index])) }
            return base
        }
        refused[page] = size
        return nil
    }

    /// The places of a word that may be bases: whatever class is added, the cell is in the same page.
    private func allowed(_ word: Int) -> UInt64 {
        let room = Self.page - classes - word * 64 % Self.page
        return room >= 64 ? .max : room <= 0 ? 0 : (1 << UInt64(room)) - 1
    }

    /// 64 bits of `taken` from a position on.
    private func window(_ position: Int) -> UInt64 {
        let shift = UInt64(position & 63)
        let low = taken[position >> 6] >> shift
        return shift == 0 ? low : low | taken[position >> 6 + 1] << (64 - shift)
    }

    private mutating func take(_ position: Int) {
        Self.set(&taken, position)
        end = max(end, position + 1)
        used += 1
    }

    private static func set(_ bits: inout [UInt64], _ position: Int) { bits[position >> 6] |= 1 << UInt64(position & 63) }

    /// `window` may look 256 places beyond the last page.
    private mutating func addPage() {
        refused.append(.max)
        let words = refused.count * Self.page / 64 + 256 / 64 + 1
        bases.append(contentsOf: repeatElement(0, count: words - bases.count))
        taken.append(contentsOf: repeatElement(0, count: words - taken.count))
    }
}
