import HookWire

/// Who a container is to its users: what names it in Kubernetes, podman or Docker, taken from the annotations of the runtime that made it; of podman's and
/// Docker's containers from those that `HookMessage.setNames` adds.
public struct WorkloadIdentity: Equatable, Sendable {
    public var runtime = ContainerRuntime.other
    /// Kubernetes namespace; empty outside Kubernetes.
    public var namespace = ""
    public var pod = ""
    /// The container's name in its pod, in podman or in Docker.
    public var containerName = ""
    public var image = ""
    /// True for the container that only holds a pod's namespaces.
    public var isSandbox = false
    public var bundle = ""
    public var cgroup = ""
    public var annotationsCut = 0

    public init() {}

    public init(_ message: HookMessage) {
        let annotations = message.annotations
        func value(_ key: StaticString) -> String {
            String(decoding: ContainerRuntime.value(of: key, in: annotations), as: UTF8.self)
        }
        runtime = message.runtime ?? ContainerRuntime.detect(bundle: message.bundle, annotations: annotations)
        namespace = String(decoding: runtime.namespace(in: annotations), as: UTF8.self)
        bundle = String(decoding: message.bundle, as: UTF8.self)
        cgroup = String(decoding: message.cgroupPath, as: UTF8.self)
        annotationsCut = Int(message.annotationsCut)
        switch runtime {
        case .containerd:
            pod = value("io.kubernetes.cri.sandbox-name")
            containerName = value("io.kubernetes.cri.container-name")
            isSandbox = value("io.kubernetes.cri.container-type") == "sandbox"
            image = value(isSandbox ? "io.kubernetes.cri.podsandbox.image-name" : "io.kubernetes.cri.image-name")
        case .crio:
            pod = value("io.kubernetes.pod.name")
            containerName = value("io.kubernetes.container.name")
            isSandbox = value("io.kubernetes.cri-o.ContainerType") == "sandbox"
            image = value("io.kubernetes.cri-o.ImageName")
        case .podman, .other:
            break
        }
        guard namespace.isEmpty, message.hasStoredNames else { return }
        containerName = value(ContainerRuntime.storedNameKey)
        image = value(ContainerRuntime.storedImageKey)
    }
}
