import CABI

/// What an image says of one access.
public struct PolicySetDecision: Equatable, Sendable, CustomStringConvertible {
    public enum Action: UInt32, Sendable { case allow, audit, block }

    /// As in the image: `PC_DECISION_ACTION` and what follows it.
    public let word: UInt32

    public init(word: UInt32) { self.word = word }

    public var action: Action { Action(rawValue: word & 3) ?? .block }
    /// The block is there only because the rule is readOnly: descriptors that were open before are judged too.
    public var isReadOnly: Bool { word & UInt32(PC_DECISION_READ_ONLY) != 0 }
    /// It holds unless the rule allows all of the exec's arguments.
    public var dependsOnArguments: Bool { word & UInt32(PC_DECISION_ARGUMENTS) != 0 }
    /// Number of the rule in the set; nil: the posture, or nothing at all.
    public var rule: UInt32? { word >> 8 == UInt32(PC_RULE_NONE) ? nil : word >> 8 }

    public var description: String { "\(action)\(isReadOnly ? " (readOnly)" : "") by \(rule.map { "rule \($0)" } ?? "no rule")" }
}

/// Reads a compiled set's image exactly as the kernel programs do: for tests, for `portcullis policy`, and as the format's
/// description in code.
public struct PolicySetImage: Sendable {
    /// Where the walk along a path ended.
    public struct Place: Equatable, Sendable {
        /// Row of decisions, or the source class.
        public var row: UInt32 = 0
        /// The path is an ancestor of what a Block rule names.
        public var isAboveBlock = false
        public var isAboveAllow = false
        /// A Block rule matches, for some source and owner at least.
        public var isNamedByBlock = false
        /// An Allow rule other than the one that allows everything matches.
        public var isNamedByAllow = false
        /// Bytes that were read until the row could not change any more.
        public var steps = 0
    }

    private let cells: [UInt64]
    private let classes: [UInt8]
    private let starts: [UInt32]
    private let decisions: Int
    /// Source classes, a second time for tasks with a terminal where that matters.
    public let sources: Int
    private let terminals: Int

    /// Nil if the cells are not a whole image.
    public init?(cells: [UInt64]) {
        let size = MemoryLayout<pc_set_header>.size
        guard cells.count * 8 >= size else { return nil }
        let header = cells.withUnsafeBytes { $0.loadUnaligned(as: pc_set_header.self) }
        guard header.cells == cells.count, header.sources >= 1, header.decisions < cells.count else { return nil }
        self.cells = cells
        classes = withUnsafeBytes(of: header.classes) { Array($0) }
        starts = withUnsafeBytes(of: header.start) { Array($0.bindMemory(to: UInt32.self)) }.map { $0 / 8 }
        decisions = Int(header.decisions)
        sources = Int(header.sources)
        terminals = Int(header.terminals)
    }

    /// Follows a path in the automaton of a section.
    public func place(_ section: PolicyRule.Section, _ path: some Sequence<UInt8>) -> Place {
        walk(section.automaton, path, stops: true)
    }

    /// The same to the path's end, even where nothing can change any more: what PC_CELL_FINAL promises is tested so.
    func wholePlace(_ section: PolicyRule.Section, _ path: some Sequence<UInt8>) -> Place {
        walk(section.automaton, path, stops: false)
    }

    /// The class of an acting executable: 0 if no `fromSource` names it.
    public func sourceClass(path: some Sequence<UInt8>) -> Int { Int(walk(PC_AUTOMATON_SOURCE, path, stops: true).row) }

    /// What happens at a place.
    public func decision(
        _ section: PolicyRule.Section, at place: Place, source: Int, owner: Bool, write: Bool, terminal: Bool = false
    ) -> PolicySetDecision {
        let row = place.row == 0 ? Int(section.rowOfNone) : Int(place.row)
        let source = terminal ? source + terminals : source
        let word = ((row * sources + source) * 2 + (owner ? 1 : 0)) * 2 + (write ? 1 : 0)
        // An image that is not whole decides nothing: the kernel says "undecidable" here.
        guard source < sources, decisions + word / 2 < cells.count else {
            return PolicySetDecision(word: PC_ACTION_BLOCK.rawValue | UInt32(PC_RULE_NONE) << 8)
        }
        let cell = cells[decisions + word / 2]
        return PolicySetDecision(word: UInt32(truncatingIfNeeded: word & 1 == 0 ? cell : cell >> 32))
    }

    /// What happens when an executable of class `source` accesses `path`.
    public func decision(
        automaton section: PolicyRule.Section, path: some Sequence<UInt8>, source: Int, owner: Bool, write: Bool, terminal: Bool = false
    ) -> PolicySetDecision {
        decision(section, at: place(section, path), source: source, owner: owner, write: write, terminal: terminal)
    }

    /// Whether an argument is one that the rule of a decision allows (`PolicySetDecision.dependsOnArguments`).
    public func allows(argument: some Sequence<UInt8>, rule: UInt32, source: Int, owner: Bool = false, terminal: Bool = false) -> Bool {
        let place = (terminal ? source + terminals : source) * 2 + (owner ? 1 : 0)
        return walk(PC_AUTOMATON_ARGUMENT, PolicySetArguments.key(rule, place) + Array(argument), stops: true).row != 0
    }

    private func walk(_ automaton: pc_automaton, _ path: some Sequence<UInt8>, stops: Bool) -> Place {
        var base = Int(starts[Int(automaton.rawValue)])
        var place = Place()
        guard base != 0 else { return place }
        var waits = false
        for byte in path {
            place.steps += 1
            if waits && byte != UInt8(ascii: "/") { continue }
            let byteClass = Int(classes[Int(byte)])
            var cell = cell(base + byteClass)
            if cell == 0 || Int(cell >> 24 & 0xff) != byteClass {
                cell = self.cell(base)
                // What a place tells is of paths that end there: this one goes on where no rule follows.
                if cell == 0 || cell >> 24 & 0xff != 0 { return Place(steps: place.steps) }
            }
            base = Int(cell & 0xff_ffff) / 8
            place.row = UInt32(cell >> 32 & 0xff_ffff)
            place.isAboveBlock = cell & PC_CELL_BENEATH_BLOCK != 0
            place.isAboveAllow = cell & PC_CELL_BENEATH_ALLOW != 0
            place.isNamedByBlock = cell & PC_CELL_NAMED_BLOCK != 0
            place.isNamedByAllow = cell & PC_CELL_NAMED_ALLOW != 0
            if stops && cell & PC_CELL_FINAL != 0 { return place }
            waits = stops && cell & PC_CELL_WAITS != 0
        }
        return place
    }

    private func cell(_ index: Int) -> UInt64 { index < cells.count ? cells[index] : 0 }
}
