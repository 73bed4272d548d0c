import CABI

/// The rows of decisions: for each set of rules that some path matches, what happens to whom. Equal rows are stored once.
struct PolicySetRows {
    /// What allowed arguments are looked up by: the rule that a decision names, and where in the row it stands: its column twice, and 1 for owners.
    struct ArgumentsKey: Hashable {
        let rule: Int32
        let place: Int
    }

    private let rules: [RankedRule]
    private let sources: Int
    /// Whether a task's terminal matters: then there is a second column for each source.
    private let hasTerminals: Bool
    /// Decision where no rule decides, by section.
    private let fallbacks: [UInt32]
    /// The words of all rows, the image's order.
    private(set) var words: [UInt32] = []
    private var numbers: [[UInt32]: UInt32] = [:]
    private var known: [[Int32]: UInt32] = [[]: 0]
    /// By row: a rule that it names, for the share of each rule in the table.
    private(set) var owners: [Int32] = []
    /// The rules that must all allow an exec's arguments, where a decision says so.
    private(set) var arguments: [ArgumentsKey: [Int32]] = [:]

    /// `fallbacks` tells, by section in the order of `Section.allCases`, the posture of those in whitelist mode.
    init(rules: [RankedRule], sources: Int, fallbacks postures: [Posture?]) {
        self.rules = rules
        self.sources = sources
        hasTerminals = rules.contains(where: \.withoutTerminal)
        fallbacks = postures.map { posture in
            switch posture {
            case nil: Self.word(PC_ACTION_ALLOW, UInt32(PC_RULE_NONE))
            case .audit: Self.word(PC_ACTION_AUDIT, UInt32(PC_RULE_NONE))
            case .block: Self.word(PC_ACTION_BLOCK, UInt32(PC_RULE_NONE))
            }
        }
        // Their numbers are `Section.rowOfNone`.
        for fallback in fallbacks { append(Array(repeating: fallback, count: columns * 4), owner: -1) }
    }

    var count: Int { owners.count }
    var cells: Int { words.count / 2 }
    var columns: Int { hasTerminals ? sources * 2 : sources }
    /// What is added to the source of a task with a terminal.
    var terminals: Int { hasTerminals ? sources : 0 }

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
        row.reserveCapacity(columns * 4)
        for column in 0..<columns {
            for owner in [false, true] {
                for write in [false, true] {
                    let access = RankedRule.Access(owner: owner, write: section == .file && write, terminal: column >= sources)
                    row.append(decide(ranked, column, access, fallback))
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
    private mutating func decide(_ ranked: [Int32], _ column: Int, _ access: RankedRule.Access, _ fallback: UInt32) -> UInt32 {
        var deciding: (rule: Int32, outcome: RankedRule.Outcome)?
        var auditing: Int32?
        var auditingArguments: [Int32] = []
        let source = column % sources, place = column * 2 + (access.owner ? 1 : 0)
        // Of the deciding rank.
        var demanding: [Int32] = []
        for number in ranked {
            let rule = rules[Int(number)]
            guard rule.sources & 1 << UInt64(source) != 0 else { continue }
            if rule.reports(access) {
                if rule.hasArguments { auditingArguments.append(number) } else { auditing = auditing ?? number }
            }
            guard let outcome = rule.outcome(access) else { continue }
            if let current = deciding {
                guard rules[Int(current.rule)].rank == rule.rank else { continue }
                // Among equal ranks a block wins over what arguments decide, that over allow, and of those that agree the first.
                if outcome == .byArguments { demanding.append(number) }
                if Self.strictness(outcome) > Self.strictness(current.outcome) { deciding = (number, outcome) }
            } else {
                deciding = (number, outcome)
                if outcome == .byArguments { demanding.append(number) }
            }
        }
        switch deciding?.outcome {
        case .block: return Self.word(PC_ACTION_BLOCK, UInt32(deciding?.rule ?? 0))
        case .blockAsReadOnly: return Self.word(PC_ACTION_BLOCK, UInt32(deciding?.rule ?? 0)) | UInt32(PC_DECISION_READ_ONLY)
        case .byArguments: return byArguments(demanding, place, PC_ACTION_BLOCK)
        case .allow, nil: break
        }
        if deciding == nil && fallback & 3 == PC_ACTION_BLOCK.rawValue { return fallback }
        func isOutranked(_ auditing: Int32) -> Bool { deciding.map { rules[Int($0.rule)].rank > rules[Int(auditing)].rank } ?? false }
        // One that reports in any case goes before one whose word depends on the arguments.
        if let auditing, !isOutranked(auditing) { return Self.word(PC_ACTION_AUDIT, UInt32(auditing)) }
        // Nor is there a choice where the posture reports what no rule allows.
        let isReported = deciding == nil && fallback & 3 == PC_ACTION_AUDIT.rawValue
        auditingArguments.removeAll(where: isOutranked)
        if !isReported, !auditingArguments.isEmpty { return byArguments(auditingArguments, place, PC_ACTION_AUDIT) }
        return deciding.map { Self.word(PC_ACTION_ALLOW, UInt32($0.rule)) } ?? fallback
    }

    private static func strictness(_ outcome: RankedRule.Outcome) -> Int {
        switch outcome {
        case .allow: 0
        case .byArguments: 1
        case .block, .blockAsReadOnly: 2
        }
    }

    /// The first rule and the place tell which `rules` they are: those that name one path or one program, the first of them that path.
    private mutating func byArguments(_ rules: [Int32], _ place: Int, _ action: pc_action) -> UInt32 {
        let key = ArgumentsKey(rule: rules[0], place: place)
        // Of Audit rules several groups may have one first rule: the second reports in any case.
        if action == PC_ACTION_AUDIT, let known = arguments[key], known != rules { return Self.word(action, UInt32(rules[0])) }
        arguments[key] = rules
        return Self.word(action, UInt32(rules[0])) | UInt32(PC_DECISION_ARGUMENTS)
    }

    private static func word(_ action: pc_action, _ rule: UInt32) -> UInt32 { action.rawValue | rule << 8 }
}
