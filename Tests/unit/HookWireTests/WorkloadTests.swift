import HookWire
import Testing

@Suite struct WorkloadTests {
    static func annotations(_ pairs: [String: String]) -> [HookMessage.Annotation] {
        pairs.map { .init(key: Array($0.key.utf8), value: Array($0.value.utf8)) }
    }

    static let containerd = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/abc"
    static let storage = "/var/run/containers/storage/overlay-containers/abc/userdata"

    @Test(arguments: [
        (containerd, ["io.kubernetes.cri.sandbox-namespace": "shop"], ContainerRuntime.containerd, "shop"),
        // A pod that carries the other runtime's keys, in either direction, does not choose its namespace.
        (containerd, ["io.kubernetes.cri.sandbox-namespace": "shop", "io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "kube-system"], .containerd, "shop"),
        (storage, ["io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.cri.sandbox-namespace": "kube-system"], .crio, "shop"),
        (storage, ["io.container.manager": "libpod", "io.kubernetes.pod.namespace": "kube-system"], .podman, ""),
        (storage, ["io.kubernetes.pod.namespace": "kube-system"], .other, ""),
        ("/tmp/bundle", ["io.container.manager": "cri-o", "io.kubernetes.pod.namespace": "kube-system"], .other, ""),
        ("/tmp/io.containerd.runtime.v2.task-evil/x", ["io.kubernetes.cri.sandbox-namespace": "kube-system"], .other, ""),
        ("/x/io.containerd.runtime.v2.task", [:], .containerd, ""),
    ] as [(String, [String: String], ContainerRuntime, String)])
    func decidesByTheRuntime(_ bundle: String, _ pairs: [String: String], _ runtime: ContainerRuntime, _ namespace: String) {
        let annotations = Self.annotations(pairs)
        let found = ContainerRuntime.detect(bundle: Array(bundle.utf8), annotations: annotations)
        #expect(found == runtime)
        #expect(String(decoding: found.namespace(in: annotations), as: UTF8.self) == namespace)
    }
}
