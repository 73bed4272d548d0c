/// Why a policy selects nothing, as far as that can be told: a selector with a typing error looks like one whose containers are yet to come.
public enum PolicyReach {
    /// Nil if it selects some container, or this machine.
    public static func note(_ policy: Policy, containers: [ContainerLabels], node: NodeLabels) -> String? {
        if policy.isForHosts {
            guard !node.isSelected(by: policy.selector) else { return nil }
            let labels = node.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            return "\(policy.identity) is not for this host: it is called \(node.hostName) and has \(labels.isEmpty ? "no labels" : "the labels \(labels)")"
        }
        guard !containers.contains(where: policy.selects) else { return nil }
        let start = "\(policy.identity) matches 0 containers: "
        let running = containers.filter { !$0.isSandbox }
        guard !running.isEmpty else { return start + "none is running" }
        let near = running.filter { policy.isClusterWide ? policy.selector.matches(namespace: $0.namespace) : $0.namespace == policy.namespace }
        guard !near.isEmpty else {
            let others = Set(running.map(\.namespace)).sorted().prefix(5).joined(separator: ", ")
            return start + "none of the \(running.count) is in a namespace that it is for; there are \(others)"
        }
        let place = near.count == running.count ? "\(near.count)" : "\(near.count) in its namespace"
        guard near.contains(where: \.hasOwnLabels) else {
            return start + "of the \(place) no labels are known, only names; under Kubernetes, labels of pods reach a node by CRI-O alone"
        }
        return start + "none of the \(place) has its labels"
    }
}
