extension PolicyFindings {
    mutating func selector(_ spec: PolicyFields) -> PolicySelector? {
        guard let node = spec["selector"] else {
            missing(spec, "selector", "missing: write matchLabels; a policy for every container of a namespace is not supported yet")
            return nil
        }
        guard let fields = fields(node, "spec.selector", known: ["matchLabels", "matchExpressions"]) else { return nil }
        if let expressions = fields["matchExpressions"] {
            if case .sequence(let list) = expressions.value, list.isEmpty {
                warn(fields, "matchExpressions", "is empty: ignored")
            } else {
                error(fields, "matchExpressions", "not supported yet: write matchLabels")
                return nil
            }
        }
        guard let labelsNode = fields["matchLabels"] else {
            missing(fields, "matchLabels", "missing: an empty selector would select nothing")
            return nil
        }
        guard let labels = anyFields(labelsNode, "spec.selector.matchLabels") else { return nil }
        guard !labels.members.isEmpty else {
            error(fields, "matchLabels", "an empty selector would select nothing")
            return nil
        }
        var selector = PolicySelector()
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

    /// `[a, b]`, or one name; `[]` and nothing at all stand for any container.
    private mutating func containerNames(_ text: String, _ node: YAMLNode, _ name: String) -> [String] {
        var list = text[...]
        if list.hasPrefix("["), list.hasSuffix("]") { list = list.dropFirst().dropLast() }
        var names: [String] = []
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
            if !names.contains(containerName) { names.append(containerName) }
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
