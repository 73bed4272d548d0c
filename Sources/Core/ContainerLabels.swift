import HookWire

/// What selectors see of a container.
public struct ContainerLabels: Equatable, Sendable {
    /// The namespace of containers that are in none of Kubernetes'.
    public static let defaultNamespace = "default"
    /// The annotation that puts a bare container into another namespace of policies.
    public static let namespaceAnnotation = "portcullis.io/namespace"
    /// The annotation, and the label in a selector, that names a container; KubeArmor's.
    public static let containerNameKey = "kubearmor.io/container.name"

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

    /// Whether it has labels that somebody gave it, besides those that name it.
    var hasOwnLabels: Bool { labels.keys.contains { !$0.hasPrefix("io.kubernetes.") } }

    /// What the hook's message says about a container.
    ///
    /// A pod's author must not be able to leave the policies of the pod's namespace. So under Kubernetes namespace and name are
    /// what the runtime itself wrote, and the pod's own annotations count for nothing.
    public init(_ message: HookMessage) {
        let workload = WorkloadIdentity(message)
        if workload.runtime == .crio || (workload.runtime == .containerd && !workload.namespace.isEmpty) {
            self.init(pod: workload, message)
        } else {
            self.init(bare: workload, message)
        }
    }

    private init(pod workload: WorkloadIdentity, _ message: HookMessage) {
        var labels = workload.runtime == .crio ? Self.labels(in: "io.kubernetes.cri-o.Labels", of: message) : [:]
        // CRI-O copies a pod's annotations into the bundle, so that there only the plugin's own message may tell of labels.
        if workload.runtime == .containerd || message.runtime != nil {
            labels.merge(Self.labels(in: ContainerRuntime.podLabelsKey, of: message)) { _, plugins in plugins }
        }
        // The labels that the kubelet gives each container, whatever the runtime makes of them.
        let names = ["io.kubernetes.pod.name": workload.pod, "io.kubernetes.pod.namespace": workload.namespace, "io.kubernetes.container.name": workload.containerName]
        for (key, value) in names { labels[key] = value.isEmpty ? nil : value }
        self.init(
            namespace: workload.namespace.isEmpty ? Self.defaultNamespace : workload.namespace, containerName: workload.containerName,
            labels: labels, isSandbox: workload.isSandbox)
    }

    private init(bare workload: WorkloadIdentity, _ message: HookMessage) {
        var labels: [String: String] = [:]
        let hasStoredNames = message.hasStoredNames
        for annotation in message.annotations where !(hasStoredNames && ContainerRuntime.equal(annotation.key, ContainerRuntime.storedLabelsKey)) {
            let key = String(decoding: annotation.key, as: UTF8.self)
            if labels[key] == nil { labels[key] = String(decoding: annotation.value, as: UTF8.self) }
        }
        // Most of them come with the image. They take no annotation's place, and whoever made the image must not choose the container's name.
        if hasStoredNames {
            let stored = Self.labels(in: ContainerRuntime.storedLabelsKey, of: message).filter { $0.key != Self.containerNameKey && !$0.key.hasPrefix("portcullis.io/") }
            labels.merge(stored) { annotation, _ in annotation }
        }
        var namespace = Self.defaultNamespace
        if workload.runtime == .other, let chosen = labels[Self.namespaceAnnotation], KubernetesName.isNamespace(chosen) {
            namespace = chosen
        }
        let names = [labels[Self.containerNameKey] ?? "", workload.containerName, String(decoding: message.containerID, as: UTF8.self)]
        self.init(namespace: namespace, containerName: names.first { !$0.isEmpty } ?? "", labels: labels)
    }

    /// Labels that stand in an annotation as a JSON object; none if it is not one.
    private static func labels(in annotation: StaticString, of message: HookMessage) -> [String: String] {
        let text = ContainerRuntime.value(of: annotation, in: message.annotations)
        guard !text.isEmpty else { return [:] }
        return (try? labels(json: text)) ?? [:]
    }

    private static func labels(json text: [UInt8]) throws(JSONError) -> [String: String] {
        var reader = JSONReader(ArraySource(text))
        var labels: [String: String] = [:]
        var isFirst = true
        var key: [UInt8] = []
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &isFirst, name: &key) {
            labels[String(decoding: key, as: UTF8.self)] = String(decoding: try reader.readString(limit: text.count), as: UTF8.self)
        }
        try reader.finish()
        return labels
    }
}

/// Names as Kubernetes demands them of its objects (RFC 1123).
enum KubernetesName {
    static func isNamespace(_ text: String) -> Bool { isName(text, limit: 63, dots: false) }

    static func isObject(_ text: String) -> Bool { isName(text, limit: 253, dots: true) }

    private static func isName(_ text: String, limit: Int, dots: Bool) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= limit else { return false }
        guard isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || (dots && $0 == UInt8(ascii: ".")) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
