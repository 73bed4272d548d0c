import CABI

/// The rows of decisions: for each set of rules that some path matches, what happens to whom. Equal rows are stored once.
struct PolicySetRows {
    private let rules: [RankedRule]
    private let sources: Int
    /// Decision where no rule decides, by section.
    private let fallbacks: [UInt32]
    /// The words of all rows, the image's order.
    private(set) var words: [UInt32] = []
    private var numbers: [[UInt32]: UInt32] = [:]
    private var known: [[Int32]: UInt32] = [[]: 0]
    /// By row: a rule that it names, for the share of each rule in the table.
    private(set) var owners: [Int32] = []

    /// `fallbacks` tells, by section in the order of `Section.allCases`, the posture of those in whitelist mode.
    init(rules: [RankedRule], sources: Int, fallbacks postures: [Posture?]) {
        self.rules = rules
        self.sources = sources
        fallbacks = postures.map { posture in
            switch posture {
            case nil: Self.word(PC_ACTION_ALLOW, UInt32(PC_RULE_NONE))
            case .audit: Self.word(PC_ACTION_AUDIT, UInt32(PC_RULE_NONE))
            case .block: Self.word(PC_ACTION_BLOCK, UInt32(PC_RULE_NONE))
            }
        }
        // Their numbers are `Section.rowOfNone`.
        for fallback in fallbacks { append(Array(repeating: fallback, count: sources * 4), owner: -1) }
    }

    var count: Int { owners.count }
    var cells: Int { words.count / 2 }

    /// The row of a path that matches these rules of one section, ascending. 0: the same as if it matched none.
    mutating func row(of matching: [Int32], section: PolicyRule.Section) -> UInt32 {
        if let row = known[matching] { return row }
        let row = compute(matching, section)
        known[matching] = row
        return row
    }

    private mutating func compute(_ matching: [Int32], _ section: PolicyRule.Section) -> UInt32 {
        let ranked = matching.sorted { (rules[Int($0)].rank, $1) > (rules[Int($1)].rank, $0) }
        let fallback = fallbacks[Int(section.rowOfNone)]
        var row: [UInt32] = []
        row.reserveCapacity(sources * 4)
        for source in 0..<sources {
            for owner in [false, true] {
                for write in [false, true] {
                    row.append(decide(ranked, 1 << UInt64(source), owner, section == .file && write, fallback))
                }
            }
        }
        if row.allSatisfy({ $0 == fallback }) { return 0 }
        if let number = numbers[row] { return number }
        let number = UInt32(count)
        numbers[row] = number
        append(row, owner: ranked.first ?? -1)
        return number
    }

    private mutating func append(_ row: [UInt32], owner: Int32) {
        words.append(contentsOf: row)
        owners.append(owner)
    }

    /// `ranked`: highest rank first, equal ranks in the set's order.
    private func decide(_ ranked: [Int32], _ source: UInt64, _ owner: Bool, _ write: Bool, _ fallback: UInt32) -> UInt32 {
        var deciding: (rule: Int32, outcome: RankedRule.Outcome)?
        var auditing: Int32?
        for number in ranked {
            let rule = rules[Int(number)]
            guard rule.sources & source != 0 else { continue }
            if auditing == nil && rule.reports(owner: owner, write: write) { auditing = number }
            guard let outcome = rule.outcome(owner: owner, write: write) else { continue }
            if let current = deciding {
                // Among equal ranks a block wins, and of those that agree the first.
                if current.outcome == .allow && outcome != .allow && rules[Int(current.rule)].rank == rule.rank {
                    deciding = (number, outcome)
                }
            } else {
                deciding = (number, outcome)
            }
        }
        switch deciding?.outcome {
        case .block: return Self.word(PC_ACTION_BLOCK, UInt32(deciding?.rule ?? 0))
        case .blockAsReadOnly: return Self.word(PC_ACTION_BLOCK, UInt32(deciding?.rule ?? 0)) | UInt32(PC_DECISION_READ_ONLY)
        case .allow, nil: break
        }
        if deciding == nil && fallback & 3 == PC_ACTION_BLOCK.rawValue { return fallback }
        if let auditing, deciding.map({ rules[Int($0.rule)].rank <= rules[Int(auditing)].rank }) ?? true {
            return Self.word(PC_ACTION_AUDIT, UInt32(auditing))
        }
        return deciding.map { Self.word(PC_ACTION_ALLOW, UInt32($0.rule)) } ?? fallback
    }

    private static func word(_ action: pc_action, _ rule: UInt32) -> UInt32 { action.rawValue | rule << 8 }
}
