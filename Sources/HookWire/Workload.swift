/// Which software put the container together, as far as the host can tell without asking it.
///
/// It decides which annotations are believed. CRI-O copies a pod's own annotations into `config.json` beside its own, so a pod
/// can carry containerd's keys; a reader that takes whichever key it finds lets the pod choose its namespace.
public enum ContainerRuntime: UInt8, Sendable {
    case containerd
    case crio
    case podman
    /// A bare `runc` or `crun`, or something unknown: no annotation is a Kubernetes fact.
    case other

    /// The bundle's path decides, since no pod can choose it; only CRI-O and podman, which share one layout, are told apart by
    /// the annotation that both of them write themselves.
    public static func detect(bundle: [UInt8], annotations: [HookMessage.Annotation]) -> ContainerRuntime {
        if contains(bundle, component: "io.containerd.runtime.v2.task") { return .containerd }
        guard hasSuffix(bundle, "/userdata"), containsText(bundle, "-containers/") else { return .other }
        let manager = value(of: "io.container.manager", in: annotations)
        if equal(manager, "cri-o") { return .crio }
        if equal(manager, "libpod") { return .podman }
        return .other
    }

    /// The annotation that holds the workload's Kubernetes namespace under this runtime; nil where there is none.
    public var namespaceKey: StaticString? {
        switch self {
        case .containerd: "io.kubernetes.cri.sandbox-namespace"
        case .crio: "io.kubernetes.pod.namespace"
        case .podman, .other: nil
        }
    }

    /// The annotations that say the name, the image and, as a JSON object, the labels of a container of podman's or Docker's. No runtime writes them: daemon
    /// and replay do, and take away what a container's own annotations say under these keys.
    public static var storedNameKey: StaticString { "portcullis.io/name" }
    public static var storedImageKey: StaticString { "portcullis.io/image" }
    public static var storedLabelsKey: StaticString { "portcullis.io/labels" }

    /// The workload's Kubernetes namespace, empty if it has none.
    public func namespace(in annotations: [HookMessage.Annotation]) -> [UInt8] {
        guard let key = namespaceKey else { return [] }
        return Self.value(of: key, in: annotations)
    }

    /// The annotation in which `portcullis-nri` leaves a pod's labels, as a JSON object: containerd writes none of them down. It counts under containerd, which
    /// copies no annotation of a pod's author into a bundle unless it is told to.
    public static var podLabelsKey: StaticString { "portcullis.io/pod-labels" }

    /// Whether this is an annotation by which a runtime says whose the container is.
    public static func namesTheWorkload(_ key: [UInt8]) -> Bool {
        equal(key, podLabelsKey) || equal(key, "io.container.manager") || equal(key, "io.kubernetes.cri.sandbox-namespace") || equal(key, "io.kubernetes.cri.sandbox-name")
            || equal(key, "io.kubernetes.cri.container-name") || equal(key, "io.kubernetes.cri.container-type")
            || equal(key, "io.kubernetes.cri.image-name") || equal(key, "io.kubernetes.cri.podsandbox.image-name")
            || equal(key, "io.kubernetes.pod.namespace") || equal(key, "io.kubernetes.pod.name") || equal(key, "io.kubernetes.container.name")
            || equal(key, "io.kubernetes.cri-o.ContainerType") || equal(key, "io.kubernetes.cri-o.ImageName")
            || equal(key, storedNameKey) || equal(key, storedImageKey) || equal(key, storedLabelsKey)
    }

    // MARK: Bytes

    /// The value of the first annotation named `key`, empty if there is none.
    public static func value(of key: StaticString, in annotations: [HookMessage.Annotation]) -> [UInt8] {
        for annotation in annotations where equal(annotation.key, key) { return annotation.value }
        return []
    }

    /// Whether `bytes` are exactly `text`.
    public static func equal(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        bytes.count == text.utf8CodeUnitCount && matches(bytes, text, at: 0)
    }

    private static func matches(_ bytes: [UInt8], _ text: StaticString, at start: Int) -> Bool {
        guard bytes.count - start >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[start + index] != text.utf8Start[index] { return false }
        return true
    }

    private static func hasSuffix(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        bytes.count >= text.utf8CodeUnitCount && matches(bytes, text, at: bytes.count - text.utf8CodeUnitCount)
    }

    private static func containsText(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        for start in 0..<max(bytes.count - text.utf8CodeUnitCount + 1, 0) where matches(bytes, text, at: start) { return true }
        return false
    }

    private static func contains(_ bytes: [UInt8], component: StaticString) -> Bool {
        let slash = UInt8(ascii: "/")
        for start in bytes.indices where start == 0 || bytes[start - 1] == slash {
            let after = start + component.utf8CodeUnitCount
            if matches(bytes, component, at: start), after == bytes.count || bytes[after] == slash { return true }
        }
        return false
    }
}
