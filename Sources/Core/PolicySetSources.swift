/// The classes of acting executables: two executables are of one class if the same rules name them in `fromSource`.
struct PolicySetSources {
    /// The automaton whose rows are class numbers; its trie accepts entries, not rules.
    private(set) var trie = AutomatonTrie()
    private var rulesOfEntry: [[Int32]] = []
    private var classes: [[Int32]: Int] = [[]: 0]
    private(set) var masks: [UInt64]
    private let limits: PolicySetLimits

    /// Classes, "any other" (number 0) included.
    var count: Int { classes.count }

    init(_ rules: [PolicyRule], _ limits: PolicySetLimits) {
        self.limits = limits
        masks = rules.map { $0.sources.isEmpty ? UInt64.max : 0 }
        var entries: [PolicyRule.Source: Int] = [:]
        for (number, rule) in rules.enumerated() {
            for source in rule.sources {
                if let entry = entries[source] {
                    if rulesOfEntry[entry].last != Int32(number) { rulesOfEntry[entry].append(Int32(number)) }
                    continue
                }
                let entry = rulesOfEntry.count
                entries[source] = entry
                rulesOfEntry.append([Int32(number)])
                switch source {
                case .path(let path): trie.insert(.path(path), rule: entry)
                case .directory(let directory, let recursive): trie.insert(.directory(directory, recursive: recursive), rule: entry)
                }
            }
        }
    }

    /// The class of an executable that these entries name.
    mutating func number(of entries: [Int32]) throws(AutomatonLimit) -> Int {
        var rules = entries.flatMap { rulesOfEntry[Int($0)] }
        rules.sort()
        var distinct: [Int32] = []
        for rule in rules where distinct.last != rule { distinct.append(rule) }
        if let known = classes[distinct] { return known }
        let number = classes.count
        guard number < limits.sources else {
            throw AutomatonLimit(
                limit: .sources, maximum: limits.sources, reached: number + 1, shares: masks.map { $0 == .max ? 0 : $0.nonzeroBitCount },
                unit: "classes")
        }
        classes[distinct] = number
        for rule in distinct { masks[Int(rule)] |= 1 << UInt64(number) }
        return number
    }

    /// Number of rules that the entry was first written in; for errors, whose shares count entries.
    func rule(ofEntry entry: Int) -> Int { Int(rulesOfEntry[entry].first ?? 0) }
}
