/// What only a KubeArmorHostPolicy has.
extension PolicyFindings {
    /// `spec.nodeSelector`: labels of nodes. Without any it selects none, as in KubeArmor.
    mutating func nodeSelector(_ spec: PolicyFields) -> PolicySelector? {
        let nothing = "selects no node; for all of them write matchLabels with \(NodeLabels.hostNameKeys[0]): \"*\""
        guard let node = spec["nodeSelector"] else {
            if !blameUnknown(spec) { warn(spec.node, spec.name(of: "nodeSelector"), "missing: it \(nothing)") }
            return PolicySelector()
        }
        guard let fields = fields(node, "spec.nodeSelector", known: ["matchLabels"], narrows: true) else { return nil }
        guard let labelsNode = fields["matchLabels"] else {
            if !blameUnknown(fields) { warn(node, fields.name, "is empty: it \(nothing)") }
            return PolicySelector()
        }
        guard let labels = anyFields(labelsNode, "spec.nodeSelector.matchLabels") else { return nil }
        if labels.members.isEmpty { warn(node, fields.name, "is empty: it \(nothing)") }
        var selector = PolicySelector()
        for member in labels.members {
            let name = labels.name(of: Self.shown(member.key))
            guard !member.value.isNull else {
                error(member.line, member.column, name, "has no value: write \"\" for an empty one")
                continue
            }
            guard let value = text(member.value, name) else { continue }
            guard !member.key.isEmpty else {
                error(member.line, member.column, name, "a label without a name")
                continue
            }
            if NodeLabels.hostNameExpressions.contains(member.key) {
                error(member.line, member.column, name, "expressions are not read: write \(member.key.dropLast(3)) with names, or *")
            }
            if NodeLabels.hostNameKeys.contains(member.key), NodeLabels.hostNames(value).isEmpty {
                error(member.value, name, "names no host: expected a name, several apart by commas, or *")
            }
            selector.nodeLabels[member.key] = value
        }
        return selector
    }

    /// An Allow for whoever acts would make the whole host a whitelist: such rules are ignored, as KubeArmor documents.
    mutating func withoutIgnored(_ rules: [PolicyRule]) -> [PolicyRule] {
        rules.filter { rule in
            guard rule.action == .allow, rule.sources.isEmpty else { return true }
            warn(rule.line, 1, "spec." + rule.field, "ignored: in a KubeArmorHostPolicy, Allow needs fromSource")
            return false
        }
    }
}
