extension PolicySelector {
    /// Whether a container of the policy's own namespace is selected. Labels and names are compared exactly.
    public func matches(labels: [String: String], containerName: String) -> Bool {
        guard containerNames.isEmpty || containerNames.contains(containerName) else { return false }
        return matchLabels.allSatisfy { labels[$0.key] == $0.value }
            && (anyOf.isEmpty || anyOf.contains { labels[$0.key] == $0.value })
            && !noneOf.contains { labels[$0.key] == $0.value }
    }
}

extension Policy {
    /// Whether the policy is for this container. A policy only selects containers of its own namespace, and never the one that holds a
    /// pod's namespaces.
    public func selects(_ container: ContainerLabels) -> Bool {
        !container.isSandbox && container.namespace == namespace
            && selector.matches(labels: container.labels, containerName: container.containerName)
    }
}
