/// The policies of a namespace by a label that each of them asks for: a container looks at those of its labels, and not at all there are.
struct PolicySelection: Sendable {
    private var byLabel: [SelectorLabel: [Int]] = [:]
    /// Those that ask for no label.
    private var others: [Int] = []
    private let policies: [Policy]

    /// - Parameter indices: Of the namespace's policies among `policies`, which are sorted by identity.
    init(_ policies: [Policy], _ indices: [Int]) {
        self.policies = policies
        for index in indices {
            if let label = policies[index].selector.matchLabels.min(by: { $0.key < $1.key }) {
                byLabel[SelectorLabel(label.key, label.value), default: []].append(index)
            } else {
                others.append(index)
            }
        }
    }

    /// Indices of the policies that select the container, ascending.
    func selected(for container: ContainerLabels) -> [Int] {
        var found = others.filter { policies[$0].selects(container) }
        for (key, value) in container.labels {
            for index in byLabel[SelectorLabel(key, value)] ?? [] where policies[index].selects(container) { found.append(index) }
        }
        return found.sorted()
    }
}
