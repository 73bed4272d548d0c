import HookWire

/// What selectors see of a container.
public struct ContainerLabels: Equatable, Sendable {
    /// The namespace of containers that are in none of Kubernetes'.
    public static let defaultNamespace = "default"

    public var namespace: String
    public var containerName: String
    public var labels: [String: String]
    /// It only holds a pod's namespaces: no policy is meant for it.
    public var isSandbox: Bool

    public init(
        namespace: String = ContainerLabels.defaultNamespace, containerName: String, labels: [String: String] = [:], isSandbox: Bool = false
    ) {
        self.namespace = namespace
        self.containerName = containerName
        self.labels = labels
        self.isSandbox = isSandbox
    }
}
