extension PolicySelector {
    /// Whether a policy of the cluster is for this namespace's containers.
    func matches(namespace: String) -> Bool {
        (namespaces.isEmpty || namespaces.contains(namespace)) && !exceptNamespaces.contains(namespace)
    }

    /// Whether a container of a namespace that the policy is for is selected. Labels and names are compared exactly.
    public func matches(labels: [String: String], containerName: String) -> Bool {
        guard containerNames.isEmpty || containerNames.contains(containerName) else { return false }
        return matchLabels.allSatisfy { labels[$0.key] == $0.value }
            && (anyOf.isEmpty || anyOf.contains { labels[$0.key] == $0.value })
            && !noneOf.contains { labels[$0.key] == $0.value }
    }
}

extension Policy {
    /// Whether the policy is for this container. A policy selects containers of its own namespace, one of the cluster those of the namespaces
    /// that it names; and never the one that holds a pod's namespaces.
    public func selects(_ container: ContainerLabels) -> Bool {
        !container.isSandbox && !isForHosts && (isClusterWide ? selector.matches(namespace: container.namespace) : container.namespace == namespace)
            && selector.matches(labels: container.labels, containerName: container.containerName)
    }
}
