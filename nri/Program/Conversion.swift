#if NRI
import NRI
import NRIProtocol

typealias WirePod = Nri_Pkg_Api_V1alpha1_PodSandbox
typealias WireContainer = Nri_Pkg_Api_V1alpha1_Container

extension Pod {
    /// containerd puts a label of its own on each, which nobody has given.
    init(_ wire: WirePod) {
        self.init(
            id: wire.id, name: wire.name, namespace: wire.namespace, labels: wire.labels.filter { !$0.key.hasPrefix("io.cri-containerd.") },
            annotations: PodAnnotations(wire.annotations), pid: wire.pid)
    }
}

extension PodContainer {
    /// - Parameter hasStarted: Nil to go by the state that the runtime tells.
    init(_ wire: WireContainer, hasStarted: Bool? = nil) {
        // Before NRI 0.12 the image is in the runtime's annotation only. It decides nothing.
        let image = wire.image.name.isEmpty
            ? wire.annotations["io.kubernetes.cri.image-name"] ?? wire.annotations["io.kubernetes.cri-o.ImageName"] ?? "" : wire.image.name
        self.init(
            id: wire.id, podID: wire.podSandboxID, name: wire.name, image: image, argument0: wire.args.first ?? "", pid: wire.pid,
            hasStarted: hasStarted ?? (wire.state == .containerRunning || wire.state == .containerPaused))
    }
}

extension Nri_Pkg_Api_V1alpha1_Hooks {
    /// The paths of the hooks that run where ours would.
    var pathsOfRegistration: [String] { (prestart + createRuntime).map(\.path) }

    /// Ours: one that registers a container before it runs, and one that removes it.
    static func ours(_ settings: GivenHook) -> Self {
        var hook = Nri_Pkg_Api_V1alpha1_Hook()
        hook.path = settings.path
        hook.args = settings.arguments
        hook.env = GivenHook.environment
        hook.timeout.value = GivenHook.timeout
        var hooks = Self()
        hooks.createRuntime = [hook]
        hooks.poststop = [hook]
        return hooks
    }
}
#endif
