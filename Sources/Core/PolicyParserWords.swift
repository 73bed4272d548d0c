/// The sections `network`, `capabilities` and `presets`, whose rules name things by words instead of paths.
extension PolicyFindings {
    mutating func networkRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard let fields = fields(node, "spec.network", known: ["matchProtocols", "matchDNSQueries"] + PolicyInheritance.fields) else { return [] }
        let inherited = inheritance(fields).filled(from: outer)
        let protocols = WordList(section: .network, list: "matchProtocols", key: "protocol", known: NetworkProtocol.allCases.map(\.rawValue), ownFields: ["pts"])
        let names = WordList(section: .dns, field: "network", list: "matchDNSQueries", key: "domain", known: [], ownFields: ["pts"])
        let rules = rules(fields, protocols, inherited) { text in NetworkProtocol(rawValue: text.lowercased()).map { .socket($0) } }
            + self.rules(fields, names, inherited) { text in DomainName.normal(text).map { .domain($0) } }
        noteEmpty(fields, [protocols, names])
        return rules
    }

    mutating func capabilityRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard let fields = fields(node, "spec.capabilities", known: ["matchCapabilities"] + PolicyInheritance.fields) else { return [] }
        let words = WordList(section: .capabilities, list: "matchCapabilities", key: "capability", known: Capability.allCases.map(\.name), ownFields: [])
        let rules = rules(fields, words, inheritance(fields).filled(from: outer)) { text in
            Capability(named: text).map { .capability($0) }
        }
        noteEmpty(fields, [words])
        return rules
    }

    /// A list without fields of its own. A preset's action is Block unless its own says otherwise, as in KubeArmor; the rest is inherited.
    mutating func presetRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard case .sequence(let elements) = node.value else {
            error(node, "spec.presets", "expected a list, found \(node.kindName)")
            return []
        }
        if elements.isEmpty { warn(node, "spec.presets", "has no rules: it does nothing") }
        var rules: [PolicyRule] = []
        for (index, element) in elements.enumerated() {
            let name = "spec.presets[\(index)]"
            guard let fields = fields(element, name, known: ["name"] + PolicyInheritance.fields) else { continue }
            let own = inheritance(fields)
            let attributes = own.filled(from: outer)
            guard let nameNode = fields["name"] else {
                missing(fields, "name")
                continue
            }
            guard let text = text(nameNode, name + ".name") else { continue }
            guard let preset = Preset(rawValue: text) else {
                let known = Preset.allCases.map(\.rawValue)
                let hint = nearest(to: text, among: known).map { "did you mean \($0)?" } ?? "there are \(known.joined(separator: ", "))"
                error(nameNode, name + ".name", "\(Self.shown(text)) is no preset; \(hint)")
                continue
            }
            if own.action == .allow {
                error(fields, "action", "a preset denies or reports: expected Block or Audit")
                continue
            }
            rules.append(
                PolicyRule(
                    section: .presets, target: .preset(preset), action: own.action ?? .block, severity: attributes.severity ?? 0,
                    tags: attributes.tags ?? [], message: attributes.message ?? "", field: "presets[\(index)]", line: element.line))
        }
        return rules
    }

    /// What such a list is called and may hold.
    private struct WordList {
        let section: PolicyRule.Section
        /// The field of `spec` that it is in.
        let field: String
        let list: String
        let key: String
        /// Empty where words are not counted.
        let known: [String]
        let ownFields: [String]

        init(section: PolicyRule.Section, field: String? = nil, list: String, key: String, known: [String], ownFields: [String]) {
            self.section = section
            self.field = field ?? section.rawValue
            self.list = list
            self.key = key
            self.known = known
            self.ownFields = ownFields
        }
    }

    private mutating func rules(
        _ fields: PolicyFields, _ words: WordList, _ inherited: PolicyInheritance, target: (String) -> PolicyRule.Target?
    ) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for (index, element) in list(fields, words.list).enumerated() {
            let known = [words.key, "fromSource"] + words.ownFields + PolicyInheritance.fields
            guard let entry = self.fields(element.node, element.name, known: known) else { continue }
            let attributes = inheritance(entry).filled(from: inherited)
            let sources = sources(entry)
            let withoutTerminal = withoutTerminal(entry)
            guard let node = entry[words.key] else {
                missing(entry, words.key)
                continue
            }
            guard let text = text(node, entry.name(of: words.key)), let action = attributes.action else { continue }
            // KubeArmor splits such a list only if the first entry is one; here each is.
            for word in text.split(separator: ",", omittingEmptySubsequences: false).map({ Self.trimmed($0) }) {
                guard let target = target(word) else {
                    error(node, entry.name(of: words.key), "\(Self.shown(word)) is no \(words.key); \(hint(word, words))")
                    continue
                }
                var rule = PolicyRule(
                    section: words.section, target: target, sources: sources, action: action, severity: attributes.severity ?? 0,
                    tags: attributes.tags ?? [], message: attributes.message ?? "", field: "\(words.field).\(words.list)[\(index)]",
                    line: element.node.line)
                rule.withoutTerminal = withoutTerminal
                rules.append(rule)
            }
        }
        return rules
    }

    private mutating func hint(_ word: String, _ words: WordList) -> String {
        guard !words.known.isEmpty else {
            return word.hasPrefix("*.") ? "a name stands for all below it, too: leave the *. out" : "expected a name as www.example.org"
        }
        return nearest(to: word.lowercased(), among: words.known).map { "did you mean \($0)?" } ?? "there are \(words.known.joined(separator: ", "))"
    }

    private mutating func noteEmpty(_ fields: PolicyFields, _ lists: [WordList]) {
        let isEmpty = lists.allSatisfy { list in
            guard let node = fields[list.list] else { return true }
            if case .sequence(let elements) = node.value { return elements.isEmpty }
            return false
        }
        guard isEmpty, !blameUnknown(fields) else { return }
        warn(fields.node, fields.name, "has no rules: it does nothing")
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
