/// The sections `network` and `capabilities`, whose rules name things by words instead of paths.
extension PolicyFindings {
    mutating func networkRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard let fields = fields(node, "spec.network", known: ["matchProtocols", "matchDNSQueries"] + PolicyInheritance.fields) else { return [] }
        if fields["matchDNSQueries"] != nil { warn(fields, "matchDNSQueries", "not enforced by this version: ignored") }
        let words = WordList(section: .network, list: "matchProtocols", key: "protocol", known: NetworkProtocol.allCases.map(\.rawValue), ownFields: ["pts"])
        return rules(fields, words, inheritance(fields).filled(from: outer)) { text in
            NetworkProtocol(rawValue: text.lowercased()).map { .socket($0) }
        }
    }

    mutating func capabilityRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard let fields = fields(node, "spec.capabilities", known: ["matchCapabilities"] + PolicyInheritance.fields) else { return [] }
        let words = WordList(section: .capabilities, list: "matchCapabilities", key: "capability", known: Capability.allCases.map(\.name), ownFields: [])
        return rules(fields, words, inheritance(fields).filled(from: outer)) { text in
            Capability(named: text).map { .capability($0) }
        }
    }

    /// What such a list is called and may hold.
    private struct WordList {
        let section: PolicyRule.Section
        let list: String
        let key: String
        let known: [String]
        let ownFields: [String]
    }

    private mutating func rules(
        _ fields: PolicyFields, _ words: WordList, _ inherited: PolicyInheritance, target: (String) -> PolicyRule.Target?
    ) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        let entries = list(fields, words.list)
        for (index, element) in entries.enumerated() {
            let known = [words.key, "fromSource"] + words.ownFields + PolicyInheritance.fields
            guard let entry = self.fields(element.node, element.name, known: known) else { continue }
            refuseUnenforced(entry)
            let attributes = inheritance(entry).filled(from: inherited)
            let sources = sources(entry)
            guard let node = entry[words.key] else {
                missing(entry, words.key)
                continue
            }
            guard let text = text(node, entry.name(of: words.key)), let action = attributes.action else { continue }
            // KubeArmor splits such a list only if the first entry is one; here each is.
            for word in text.split(separator: ",", omittingEmptySubsequences: false).map({ Self.trimmed($0) }) {
                guard let target = target(word) else {
                    let hint = nearest(to: word.lowercased(), among: words.known).map { "did you mean \($0)?" }
                        ?? "there are \(words.known.joined(separator: ", "))"
                    error(node, entry.name(of: words.key), "\(Self.shown(word)) is no \(words.key); \(hint)")
                    continue
                }
                rules.append(
                    PolicyRule(
                        section: words.section, target: target, sources: sources, action: action, severity: attributes.severity ?? 0,
                        tags: attributes.tags ?? [], message: attributes.message ?? "", field: "\(words.section.rawValue).\(words.list)[\(index)]",
                        line: element.node.line))
            }
        }
        if entries.isEmpty, fields["matchDNSQueries"] == nil, !blameUnknown(fields) { warn(fields.node, fields.name, "has no rules: it does nothing") }
        return rules
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
