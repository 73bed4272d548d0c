import Core
import HookWire

/// A pod's sandbox, as the runtime tells of it.
public struct Pod: Equatable, Sendable {
    public var id: String
    public var name: String
    public var namespace: String
    public var labels: [String: String]
    public var annotations: PodAnnotations
    /// The process that holds its namespaces; 0 if it has none.
    public var pid: UInt32

    public init(id: String, name: String, namespace: String, labels: [String: String], annotations: PodAnnotations = PodAnnotations([:]), pid: UInt32) {
        self.id = id
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
        self.pid = pid
    }
}

/// A container of a pod, as the runtime tells of it.
public struct PodContainer: Equatable, Sendable {
    public var id: String
    public var podID: String
    public var name: String
    public var image: String
    /// The first of its arguments; empty if there is none.
    public var argument0: String
    /// Its init; 0 if it has none yet or any more.
    public var pid: UInt32
    /// Whether its own program may run: false until the runtime has told it to start.
    public var hasStarted: Bool

    public init(id: String, podID: String, name: String, image: String, argument0: String, pid: UInt32, hasStarted: Bool) {
        self.id = id
        self.podID = podID
        self.name = name
        self.image = image
        self.argument0 = argument0
        self.pid = pid
        self.hasStarted = hasStarted
    }
}

/// Makes what the daemon is told of what the runtime tells.
///
/// Namespace and names come from the fields that the runtime fills itself. A container's annotations, as NRI shows them, hold the pod author's, too, and
/// those win over the runtime's own there. Of the pod's, the daemon is told what cannot be taken for the runtime's.
public enum WorkloadMessage {
    /// Nil for a pod without a process, as CRI-O makes them.
    public static func sandbox(_ pod: Pod, _ runtime: RuntimeInfo) -> HookMessage? {
        guard pod.pid > 0 else { return nil }
        var message = message(pod.id, pid: pod.pid, pod, runtime)
        message.hasStarted = true
        let key = runtime.isCRIO ? "io.kubernetes.cri-o.ContainerType" : "io.kubernetes.cri.container-type"
        message.annotations.append(annotation(key, "sandbox"))
        return message
    }

    /// Nil for a container without a process.
    public static func container(_ container: PodContainer, in pod: Pod, _ runtime: RuntimeInfo) -> HookMessage? {
        guard container.pid > 0 else { return nil }
        var message = message(container.id, pid: container.pid, pod, runtime)
        message.hasStarted = container.hasStarted
        // Cut behind a character: half of one would have the daemon refuse the whole message.
        message.argument0 = Array(String(decoding: container.argument0.utf8.prefix(HookLimits.path - 4), as: UTF8.self).utf8)
        let keys = runtime.isCRIO
            ? ["io.kubernetes.cri-o.ContainerType", "io.kubernetes.container.name", "io.kubernetes.cri-o.ImageName"]
            : ["io.kubernetes.cri.container-type", "io.kubernetes.cri.container-name", "io.kubernetes.cri.image-name"]
        message.annotations.append(annotation(keys[0], "container"))
        message.annotations.append(annotation(keys[1], container.name))
        if !container.image.isEmpty { message.annotations.append(annotation(keys[2], container.image)) }
        return message
    }

    private static func message(_ id: String, pid: UInt32, _ pod: Pod, _ runtime: RuntimeInfo) -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.pid = pid
        message.runtime = runtime.isCRIO ? .crio : .containerd
        message.sources = ReplaySources.nri.rawValue
        let keys = runtime.isCRIO
            ? ["io.kubernetes.pod.namespace", "io.kubernetes.pod.name"] : ["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name"]
        message.annotations = [annotation(keys[0], pod.namespace), annotation(keys[1], pod.name)]
        // Also of a pod without any, so that no annotation of its author's stands in the place of that.
        message.annotations.append(HookMessage.Annotation(key: Array(PodLabels.key.utf8), value: PodLabels(pod.labels).annotation))
        // Of one that is in no namespace they would count as its labels.
        if !pod.namespace.isEmpty { message.annotations += pod.annotations.kept }
        return message
    }

    private static func annotation(_ key: String, _ value: String) -> HookMessage.Annotation { HookMessage.Annotation(key: Array(key.utf8), value: Array(value.utf8)) }
}
