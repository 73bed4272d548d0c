extension PolicyFindings {
    /// Nil if it cannot be used. Without any condition it selects every container of the policy's namespace, or of all, as in KubeArmor under
    /// Kubernetes.
    mutating func selector(_ spec: PolicyFields, isClusterWide: Bool) -> PolicySelector? {
        let everything = "selects every container\(isClusterWide ? "" : " of the policy's namespace")"
        guard let node = spec["selector"] else {
            // A misspelt one must not select everything.
            if !blameUnknown(spec) { warn(spec.node, spec.name(of: "selector"), "missing: \(everything)") }
            return PolicySelector()
        }
        guard let fields = fields(node, "spec.selector", known: isClusterWide ? ["matchExpressions"] : ["matchLabels", "matchExpressions"], narrows: true) else { return nil }
        var selector = PolicySelector()
        let errorsBefore = errorCount
        let expressions = list(fields, "matchExpressions")
        guard errorCount == errorsBefore else { return nil }
        if fields["matchExpressions"] != nil, expressions.isEmpty { warn(fields, "matchExpressions", "is empty: ignored") }
        for expression in expressions { self.expression(expression.node, expression.name, isClusterWide, &selector) }
        guard let labelsNode = fields["matchLabels"] else {
            if expressions.isEmpty, !blameUnknown(fields) { warn(node, "spec.selector", "is empty: \(everything)") }
            return selector
        }
        guard let labels = anyFields(labelsNode, "spec.selector.matchLabels") else { return nil }
        if labels.members.isEmpty, expressions.isEmpty { warn(node, "spec.selector", "is empty: \(everything)") }
        for member in labels.members {
            let name = labels.name(of: Self.shown(member.key))
            guard !member.value.isNull else {
                error(member.line, member.column, name, "has no value: write \"\" for an empty one")
                continue
            }
            guard let value = text(member.value, name) else { continue }
            if member.key == ContainerLabels.containerNameKey {
                selector.containerNames = containerNames(value, member.value, name)
            } else if member.key.isEmpty {
                error(member.line, member.column, name, "a label without a name")
            } else {
                selector.matchLabels[member.key] = value
            }
        }
        return selector
    }

    /// `key: label`, an operator and values `k=v`. All values of one operator are one list, whatever expression they stand in: so their order
    /// never matters, as it does in KubeArmor.
    private mutating func expression(_ node: YAMLNode, _ name: String, _ isClusterWide: Bool, _ selector: inout PolicySelector) {
        guard let fields = fields(node, name, known: ["key", "operator", "values"], narrows: true) else { return }
        for required in ["key", "operator", "values"] where fields[required] == nil { missing(fields, required) }
        let key = text(fields, "key")
        if let key, key != "label", key != "namespace" || !isClusterWide {
            let hint = isClusterWide ? " or namespace" : key == "namespace" ? "; namespaces are selected by a KubeArmorClusterPolicy" : ""
            error(fields, "key", "\(Self.shown(key)) is no key of a selector: expected label\(hint)")
            return
        }
        let comparison = text(fields, "operator")
        if let comparison, comparison != "In", comparison != "NotIn" {
            error(fields, "operator", "\(Self.shown(comparison)) is no operator: expected In or NotIn")
        }
        let values = list(fields, "values")
        let isNamespace = key == "namespace"
        if fields["values"] != nil, values.isEmpty { error(fields, "values", "is empty: expected \(isNamespace ? "namespaces" : "labels as key=value")") }
        for value in values {
            guard let text = text(value.node, value.name) else { continue }
            if isNamespace {
                guard KubernetesName.isNamespace(text) else {
                    error(value.node, value.name, "\(Self.shown(text)) can be no namespace: 1 to 63 lower-case letters, digits and '-'")
                    continue
                }
                if comparison == "NotIn" { selector.exceptNamespaces.append(text) } else { selector.namespaces.append(text) }
                continue
            }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = parts.first, !key.isEmpty, let labelValue = parts.last else {
                error(value.node, value.name, "\(Self.shown(text)) is no label: expected key=value")
                continue
            }
            guard key != ContainerLabels.containerNameKey else {
                error(value.node, value.name, "containers are named in matchLabels")
                continue
            }
            let label = SelectorLabel(String(key), String(labelValue))
            if comparison == "NotIn" { selector.noneOf.append(label) } else { selector.anyOf.append(label) }
        }
    }

    /// `[a, b]`, or one name; `[]` and nothing at all stand for any container.
    private mutating func containerNames(_ text: String, _ node: YAMLNode, _ name: String) -> [String] {
        var list = text[...]
        if list.hasPrefix("["), list.hasSuffix("]") { list = list.dropFirst().dropLast() }
        var names: [String] = []
        var seen: Set<String> = []
        for part in list.split(separator: ",") {
            let trimmed = part.drop { $0 == " " }
            let containerName = String(trimmed.prefix { $0 != " " })
            guard !trimmed.isEmpty else { continue }
            guard trimmed.drop(while: { $0 != " " }).allSatisfy({ $0 == " " }), containerName.utf8.allSatisfy(Self.isOfContainerName) else {
                error(
                    node, name,
                    "\(Self.shown(String(part))) is no container's name; names are compared exactly: write name or [name, name]")
                continue
            }
            if seen.insert(containerName).inserted { names.append(containerName) }
        }
        return names
    }

    /// What runtimes allow in an id, and Kubernetes and podman in a name.
    private static func isOfContainerName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "-_.+".utf8.contains(byte)
        }
    }
}
