import CABI

/// One set on its way from rules to image.
struct PolicySetBuilder {
    private let rules: [PolicyRule]
    private let limits: PolicySetLimits
    private let posture: Postures
    private var sources: PolicySetSources
    /// One for each section, in the order of `Section.allCases`.
    private let tries: [AutomatonTrie]
    private let classes: AutomatonClasses
    private var statistics = PolicySetStatistics()
    /// Cells that each rule brought, as far as one can say whose they are.
    private var shares: [Int]

    init(_ rules: [PolicyRule], _ posture: Postures, _ limits: PolicySetLimits) throws(AutomatonLimit) {
        guard rules.count <= limits.rules else {
            throw AutomatonLimit(
                limit: .rules, maximum: limits.rules, reached: rules.count, shares: rules.map { _ in 1 }, unit: "rules")
        }
        self.rules = rules
        self.limits = limits
        self.posture = posture
        shares = rules.map { _ in 0 }
        sources = PolicySetSources(rules, limits)
        func trie(_ section: PolicyRule.Section) -> AutomatonTrie {
            var trie = AutomatonTrie()
            for (number, rule) in rules.enumerated() where rule.section == section { trie.insert(rule.target, rule: number) }
            return trie
        }
        tries = PolicyRule.Section.allCases.map(trie)
        classes = AutomatonClasses(tries + [sources.trie, PolicySetArguments.alphabet(rules)])
    }

    mutating func build() throws(AutomatonLimit) -> (cells: [UInt64], statistics: PolicySetStatistics) {
        let source = try sourceAutomaton()
        let ranked = rules.indices.map { RankedRule(rules[$0], sources: sources.masks[$0]) }
        var rows = PolicySetRows(
            rules: ranked, sources: sources.count,
            fallbacks: PolicyRule.Section.allCases.map { section in
                rules.contains { $0.section == section && $0.action == .allow } ? posture[section] : nil
            })
        // By their numbers in the header.
        var automata = [Automaton](repeating: Automaton(), count: Int(PC_AUTOMATA.rawValue))
        automata[Int(PC_AUTOMATON_SOURCE.rawValue)] = source
        for (section, trie) in zip(PolicyRule.Section.allCases, tries) {
            automata[Int(section.automaton.rawValue)] = try automaton(trie, section, &rows)
        }
        automata[Int(PC_AUTOMATON_ARGUMENT.rawValue)] = try argumentAutomaton(rows)
        return (try image(automata, rows), statistics)
    }

    private mutating func sourceAutomaton() throws(AutomatonLimit) -> Automaton {
        guard !sources.trie.isEmpty else { return Automaton() }
        var subsets: AutomatonSubsets
        do {
            subsets = try AutomatonConstruction.run(sources.trie, classes, limits)
        } catch {
            var limit = error
            limit.shares = rules.map { _ in 0 }
            for (entry, share) in error.shares.enumerated() { limit.shares[sources.rule(ofEntry: entry)] += share }
            throw limit
        }
        for state in 1..<subsets.count {
            let entries = sources.trie.matches(at: subsets.nodes[subsets.nodeRange(state)])
            subsets.outputs[state] = UInt64(try sources.number(of: entries)) << 32
        }
        let sources = sources
        return minimise(subsets, sources.trie) { sources.rule(ofEntry: $0) }
    }

    private mutating func argumentAutomaton(_ rows: PolicySetRows) throws(AutomatonLimit) -> Automaton {
        let trie = PolicySetArguments(rows.arguments, rules).trie
        guard !trie.isEmpty else { return Automaton() }
        var subsets = try AutomatonConstruction.run(trie, classes, limits)
        for state in 1..<subsets.count where !trie.matches(at: subsets.nodes[subsets.nodeRange(state)]).isEmpty { subsets.outputs[state] = 1 << 32 }
        return minimise(subsets, trie) { $0 }
    }

    private mutating func automaton(
        _ trie: AutomatonTrie, _ section: PolicyRule.Section, _ rows: inout PolicySetRows
    ) throws(AutomatonLimit) -> Automaton {
        guard !trie.isEmpty else { return Automaton() }
        var subsets = try AutomatonConstruction.run(trie, classes, limits)
        let reach = AutomatonReach(trie, counts: rules.map(AutomatonReach.beneath))
        let named = rules.map(AutomatonReach.named)
        for state in 1..<subsets.count {
            let nodes = subsets.nodes[subsets.nodeRange(state)]
            let matching = trie.matches(at: nodes)
            subsets.outputs[state] =
                matching.reduce(UInt64(rows.row(of: matching, section: section)) << 32 | reach.beneath(nodes)) { $0 | named[Int($1)] }
        }
        return minimise(subsets, trie) { $0 }
    }

    private mutating func minimise(_ subsets: AutomatonSubsets, _ trie: AutomatonTrie, rule: (Int) -> Int) -> Automaton {
        let (automaton, representatives) = AutomatonMinimiser.run(subsets)
        statistics.constructedStates += subsets.count - 1
        statistics.states += automaton.count - 1
        var owners = AutomatonOwners(trie)
        for (state, representative) in representatives.enumerated().dropFirst() {
            let owner = owners.main(of: subsets.nodes[subsets.nodeRange(representative)])
            shares[rule(owner)] += automaton.cellCount(state)
        }
        return automaton
    }

    private mutating func image(_ automata: [Automaton], _ rows: PolicySetRows) throws(AutomatonLimit) -> [UInt64] {
        let headerCells = MemoryLayout<pc_set_header>.size / 8
        let rowCells = rows.columns * 2
        for owner in rows.owners where owner >= 0 { shares[Int(owner)] += rowCells }
        try check(headerCells + shares.reduce(0, +))
        var table = AutomatonTable(header: headerCells, classes: classes)
        let starts = automata.map { table.add($0) * 8 }
        let decisions = table.bound
        let used = decisions + rows.cells
        try check(used)
        let count = (used + Int(PC_PAGE_CELLS) - 1) / Int(PC_PAGE_CELLS) * Int(PC_PAGE_CELLS)
        var cells = Array(table.cells.prefix(decisions))
        cells.append(contentsOf: repeatElement(0, count: count - cells.count))
        for index in 0..<rows.cells {
            cells[decisions + index] = UInt64(rows.words[index * 2]) | UInt64(rows.words[index * 2 + 1]) << 32
        }
        var header = pc_set_header()
        header.cells = UInt32(count)
        header.decisions = UInt32(decisions)
        header.sources = UInt32(rows.columns)
        header.terminals = UInt32(rows.terminals)
        withUnsafeMutableBytes(of: &header.start) { bytes in
            starts.withUnsafeBytes { bytes.copyBytes(from: $0) }
        }
        withUnsafeMutableBytes(of: &header.classes) { $0.copyBytes(from: classes.table) }
        withUnsafeBytes(of: header) { bytes in
            cells.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
        }
        statistics.transitions = table.used
        statistics.classes = classes.count
        statistics.rows = rows.count
        statistics.sources = sources.count
        statistics.usedBytes = used * 8
        return cells
    }

    private func check(_ cells: Int) throws(AutomatonLimit) {
        guard cells > limits.cells else { return }
        throw AutomatonLimit(limit: .cells, maximum: limits.cells, reached: cells, shares: shares, unit: "cells")
    }
}

extension AutomatonTrie {
    /// The rules that a path at these nodes matches, ascending.
    fileprivate func matches(at nodes: ArraySlice<Node>) -> [Int32] {
        var result: [Int32] = []
        for node in nodes {
            var acceptance = firstAcceptance[Int(node)]
            while acceptance >= 0 {
                result.append(acceptances[Int(acceptance)].rule)
                acceptance = acceptances[Int(acceptance)].next
            }
        }
        guard result.count > 1 else { return result }
        result.sort()
        var distinct: [Int32] = []
        for rule in result where distinct.last != rule { distinct.append(rule) }
        return distinct
    }
}

extension PolicySetError {
    /// Says of a limit whose rules the shares are.
    init(_ error: AutomatonLimit, _ policies: [Policy], _ references: [PolicySetRule]) {
        var byPolicy = [Int](repeating: 0, count: policies.count)
        for (number, share) in error.shares.enumerated() where number < references.count {
            byPolicy[references[number].policy] += share
        }
        let largest = byPolicy.indices.max { (byPolicy[$0], $1) < (byPolicy[$1], $0) }
        limit = error.limit
        maximum = error.maximum
        reached = error.reached
        policy = largest.map { policies[$0].identity } ?? ""
        if error.limit == .rules {
            contributors = byPolicy.indices.sorted { (byPolicy[$0], $1) > (byPolicy[$1], $0) }.prefix(5).map { number in
                let policy = policies[number]
                return Contributor(
                    policy: policy.identity, file: policy.origin.file, field: "", line: policy.origin.line, amount: byPolicy[number],
                    unit: error.unit)
            }
            return
        }
        let numbers = references.indices.filter { $0 < error.shares.count && error.shares[$0] > 0 }
        contributors = numbers.sorted { (error.shares[$0], $1) > (error.shares[$1], $0) }.prefix(5).map { number in
            let policy = policies[references[number].policy]
            let rule = policy.rules[references[number].rule]
            return Contributor(
                policy: policy.identity, file: policy.origin.file, field: rule.field, line: rule.line, amount: error.shares[number],
                unit: error.unit)
        }
    }
}
