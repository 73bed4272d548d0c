import Core

/// What a policy set says, worked out rule by rule from the text of docs/automaton.md: slow, plain, and sharing nothing with the compiler.
struct ReferenceMatcher {
    struct Rule {
        let rule: PolicyRule
        let target: ReferenceTarget
        let sources: [ReferenceTarget]
        /// Compared from left to right, larger first: own sources, kind of target, depth, pattern.
        let rank: [Int]
    }

    let rules: [Rule]
    let posture: Posture

    init(_ policies: [Policy], posture: Posture) {
        self.posture = posture
        rules = policies.flatMap(\.rules).map { rule in
            let sources = rule.sources.map { source in
                switch source {
                case .path(let path): ReferenceTarget(.path(path))
                case .directory(let directory, let recursive): ReferenceTarget(.directory(directory, recursive: recursive))
                }
            }
            let kind =
                switch rule.target {
                case .path: [2, 0, 0]
                case .executableName: [1, 0, 0]
                case .directory(let directory, _): [0, directory.split(separator: "/").count, 0]
                case .pattern(let glob): [0, ReferenceMatcher.depth(glob), 1]
                case .socket, .capability, .domain, .preset, .systemCall: [0, 0, 0] // not of the generated rules; PolicyWordsTests has them
                }
            return Rule(rule: rule, target: ReferenceTarget(rule.target), sources: sources, rank: [sources.isEmpty ? 0 : 1] + kind)
        }
    }

    /// Whole components before the first that holds a glob.
    static func depth(_ glob: Glob) -> Int {
        let components = glob.elements.split(separator: .byte(UInt8(ascii: "/")), omittingEmptySubsequences: false).dropFirst()
        return components.prefix { $0.allSatisfy { if case .byte = $0 { true } else { false } } }.count
    }

    func matching(_ section: PolicyRule.Section, _ path: [UInt8]) -> [Int] {
        rules.indices.filter { rules[$0].rule.section == section && rules[$0].target.matches(path) }
    }

    /// Whether each rule is for this acting executable.
    func applies(to source: [UInt8]) -> [Bool] {
        rules.map { rule in rule.sources.isEmpty || rule.sources.contains { $0.matches(source) } }
    }

    /// Who accesses, and how; `arguments` are those behind a program's own name.
    struct Access {
        var owner: Bool
        var write: Bool
        var terminal: Bool
        var arguments: [String]
    }

    /// The decision for a path that matches these rules, as the image words it.
    func decision(_ section: PolicyRule.Section, _ matching: [Int], _ applies: [Bool], _ access: Access) -> PolicySetDecision {
        var access = access
        access.write = access.write && section == .file
        // 1: the highest-ranked rule that allows or blocks.
        var decider: Int?
        var blocks = false
        for number in matching where applies[number] {
            guard let isBlock = outcome(rules[number].rule, access) else { continue }
            guard let current = decider else {
                (decider, blocks) = (number, isBlock)
                continue
            }
            let isHigher = rules[current].rank.lexicographicallyPrecedes(rules[number].rank)
            if isHigher || (rules[number].rank == rules[current].rank && isBlock && !blocks) { (decider, blocks) = (number, isBlock) }
        }
        if let decider, blocks { return word(2, decider, readOnly: isReadOnlyBlock(rules[decider].rule, access)) }
        // What arguments allow is not reported besides.
        if let decider, matching.contains(where: { applies[$0] && rules[$0].rank == rules[decider].rank && decidesByArguments(rules[$0].rule, access) }) {
            return word(0, decider)
        }
        let isWhitelist = rules.contains { $0.rule.section == section && $0.rule.action == .allow }
        if decider == nil && isWhitelist && posture == .block { return word(2, nil) }
        // 2: the highest-ranked Audit rule.
        var auditor: Int?
        for number in matching where applies[number] && audits(rules[number].rule, access) {
            if auditor.map({ rules[$0].rank.lexicographicallyPrecedes(rules[number].rank) }) ?? true { auditor = number }
        }
        // 3: unless what allowed ranks strictly higher.
        if let auditor {
            guard let decider, rules[auditor].rank.lexicographicallyPrecedes(rules[decider].rank) else { return word(1, auditor) }
        }
        if let decider { return word(0, decider) }
        return word(isWhitelist ? 1 : 0, nil)
    }

    /// True: blocks. Nil: does not apply.
    private func outcome(_ rule: PolicyRule, _ access: Access) -> Bool? {
        let readOnly = rule.readOnly && rule.section == .file, owner = access.owner, write = access.write
        if rule.withoutTerminal {
            if rule.action == .allow, access.terminal { return true }
            if rule.action == .block, !access.terminal { return nil }
        }
        if decidesByArguments(rule, access) { return !isAllowed(access.arguments, rule) }
        switch (rule.action, rule.ownerOnly, readOnly) {
        case (.audit, _, _): return nil
        case (.block, false, false): return true
        case (.block, false, true): return write ? true : nil
        case (.allow, false, false): return false
        case (.allow, false, true): return write
        case (_, true, false): return !owner
        case (_, true, true): return !owner || write
        }
    }

    private func isAllowed(_ arguments: [String], _ rule: PolicyRule) -> Bool {
        !arguments.isEmpty && arguments.allSatisfy(rule.allowedArguments.contains)
    }

    /// Whether nothing else of the rule has decided already.
    private func decidesByArguments(_ rule: PolicyRule, _ access: Access) -> Bool {
        guard !rule.allowedArguments.isEmpty, rule.action != .audit, access.owner || !rule.ownerOnly else { return false }
        return !rule.withoutTerminal || (rule.action == .allow) != access.terminal
    }

    /// A write that is blocked although the same rule lets the same user read.
    private func isReadOnlyBlock(_ rule: PolicyRule, _ access: Access) -> Bool {
        rule.section == .file && rule.readOnly && access.write && (access.owner || !rule.ownerOnly)
            && !(rule.withoutTerminal && rule.action == .allow && access.terminal)
    }

    private func audits(_ rule: PolicyRule, _ access: Access) -> Bool {
        guard rule.action == .audit, access.terminal || !rule.withoutTerminal, !isAllowed(access.arguments, rule) || rule.allowedArguments.isEmpty
        else { return false }
        let readOnly = rule.readOnly && rule.section == .file
        if !rule.ownerOnly && !readOnly { return true }
        return (rule.ownerOnly && !access.owner) || (readOnly && access.write)
    }

    private func word(_ action: UInt32, _ rule: Int?, readOnly: Bool = false) -> PolicySetDecision {
        PolicySetDecision(word: action | (readOnly ? 4 : 0) | (rule.map { UInt32($0) } ?? 0xffffff) << 8)
    }

    /// Whether some rule with this action is among them, but the one that allows everything.
    func isNamed(_ action: PolicyAction, _ matching: [Int]) -> Bool {
        matching.contains {
            let rule = rules[$0].rule
            return rule.action == action && !(action == .allow && rule.target == .directory("", recursive: true))
        }
    }

    /// Whether some rule with this action names something beneath the directory, so that renaming it would take that along.
    func isAbove(_ action: PolicyAction, _ section: PolicyRule.Section, _ path: [UInt8]) -> Bool {
        rules.contains { $0.rule.section == section && $0.rule.action == action && $0.target.isBeneath(path) }
    }
}
