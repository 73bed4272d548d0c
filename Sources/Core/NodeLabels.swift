/// What a policy's `nodeSelector` sees of this machine.
public struct NodeLabels: Equatable, Sendable {
    /// The labels that name a host; KubeArmor's and Kubernetes'. Their values may be lists and `*`.
    static let hostNameKeys = ["kubearmor.io/hostname", "kubernetes.io/hostname"]

    /// KubeArmor's expressions of these, which are not read.
    static let hostNameExpressions = ["kubearmor.io/hostnamereg", "kubernetes.io/hostnamereg"]

    public var labels: [String: String]
    /// As uname(2) gives it.
    public var hostName: String

    public init(labels: [String: String] = [:], hostName: String) {
        self.labels = labels
        self.hostName = hostName
    }

    /// The names in the value of such a label.
    static func hostNames(_ value: String) -> [String] {
        value.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
    }

    private func has(_ key: String, _ value: String) -> Bool {
        guard Self.hostNameKeys.contains(key) else { return labels[key] == value }
        let names = Self.hostNames(value)
        return names.contains("*") || names.contains(labels[key] ?? hostName)
    }

    /// Whether a policy of hosts is for this one.
    func isSelected(by selector: PolicySelector) -> Bool {
        !selector.nodeLabels.isEmpty && selector.nodeLabels.allSatisfy { has($0.key, $0.value) }
    }
}
