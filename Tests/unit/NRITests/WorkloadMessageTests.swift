import HookWire
import Testing

@testable import Core
@testable import NRI

/// What the daemon is told of what the runtime tells.
@Suite struct WorkloadMessages {
    static let pod = Pod(id: "p1", name: "till-0", namespace: "shop", labels: ["b": "2", "a": "say \"1\""], pid: 10)
    static let container = PodContainer(id: "c1", podID: "p1", name: "server", image: "shop/till:1", argument0: "/bin/till", pid: 11, hasStarted: false)

    static let runtimes = [RuntimeInfo(name: "containerd", version: "2.1.9"), RuntimeInfo(name: "cri-o", version: "1.34.0"), RuntimeInfo(name: "crio", version: "1.34.0")]

    @Test(arguments: runtimes) func aContainerIsNamedAsItsRuntimeNamesIt(_ runtime: RuntimeInfo) throws {
        let message = try #require(WorkloadMessage.container(Self.container, in: Self.pod, runtime))
        var sent = message
        sent.startTime = 5
        let read = try HookMessage(decoding: sent.encoded().dropFirst(Frame.lengthBytes))
        #expect(read == sent)
        let workload = WorkloadIdentity(read)
        #expect(workload.runtime == (runtime.isCRIO ? .crio : .containerd))
        #expect([workload.namespace, workload.pod, workload.containerName, workload.image] == ["shop", "till-0", "server", "shop/till:1"])
        #expect(!workload.isSandbox && !read.hasStarted && read.sources == ReplaySources.nri.rawValue && read.argument0 == Array("/bin/till".utf8))
        let labels = ContainerLabels(read)
        #expect(labels.labels["a"] == "say \"1\"" && labels.labels["b"] == "2" && labels.namespace == "shop")
    }

    @Test(arguments: runtimes) func aSandboxIsMarked(_ runtime: RuntimeInfo) throws {
        let message = try #require(WorkloadMessage.sandbox(Self.pod, runtime))
        #expect(WorkloadIdentity(message).isSandbox && message.hasStarted && ContainerLabels(message).isSandbox)
    }

    @Test func whatHasNoProcessIsNotTold() {
        var pod = Self.pod, container = Self.container
        pod.pid = 0
        container.pid = 0
        #expect(WorkloadMessage.sandbox(pod, Self.runtimes[0]) == nil)
        #expect(WorkloadMessage.container(container, in: Self.pod, Self.runtimes[0]) == nil)
    }

    // MARK: Annotations

    @Test(arguments: runtimes) func annotationsAreToldButThoseThatTheRuntimeGives(_ runtime: RuntimeInfo) throws {
        var pod = Self.pod
        pod.annotations = PodAnnotations([
            "team": "till", "io.kubernetes.cri.sandbox-namespace": "vault", "io.kubernetes.pod.namespace": "vault", "portcullis.io/pod-labels": "{\"app\":\"vault\"}",
            "portcullis.io/namespace": "vault", "io.container.manager": "libpod", "io.kubernetes.cri-o.Labels": "{\"app\":\"vault\"}",
        ])
        let message = try #require(WorkloadMessage.container(Self.container, in: pod, runtime))
        let labels = ContainerLabels(message)
        #expect(labels.namespace == "shop" && labels.labels["app"] == nil && labels.labels["a"] != nil && labels.labels["team"] == nil)
        let plain = try #require(WorkloadMessage.container(Self.container, in: Self.pod, runtime))
        #expect(message.annotations.filter { !plain.annotations.contains($0) } == [.init(key: Array("team".utf8), value: Array("till".utf8))])
        #expect(message.annotations.count == plain.annotations.count + 1)
        // Of what is in no namespace annotations are labels, and these are not the runtime's word.
        pod.namespace = ""
        #expect(try #require(WorkloadMessage.container(Self.container, in: pod, runtime)).annotations.count == plain.annotations.count)
    }

    @Test func annotationsBeyondTheLimitAreCounted() {
        let annotations = PodAnnotations(["a": "1", "document": String(repeating: "x", count: PodAnnotations.limit), "z": "2"])
        #expect(annotations.kept.map { String(decoding: $0.key, as: UTF8.self) } == ["a", "z"] && annotations.cut == 1)
    }

    /// Policies of a container whose message is cut cannot be chosen anew: that must not be its author's to bring about.
    @Test func annotationsLeaveTheLabelsTheirRoom() throws {
        var pod = Self.pod
        pod.annotations = PodAnnotations(Dictionary(uniqueKeysWithValues: (0..<2000).map { ("\($0)", "") }))
        pod.labels = Dictionary(uniqueKeysWithValues: (0..<2000).map { ("label-\($0)", "value") })
        var container = Self.container
        container.argument0 = String(repeating: "x", count: HookLimits.path)
        var message = try #require(WorkloadMessage.container(container, in: pod, Self.runtimes[0]))
        message.startTime = 5
        let record = try HookMessage(decoding: message.encoded(bodyLimit: ContainerRecord.limit).dropFirst(Frame.lengthBytes))
        #expect(record.annotationsCut == 0 && record.annotations.count == message.annotations.count && pod.annotations.cut > 1000)
    }

    // MARK: Labels

    @Test func labelsAreWrittenInTheirOrder() {
        #expect(String(decoding: PodLabels(["b": "2", "a": "1"]).annotation, as: UTF8.self) == #"{"a":"1","b":"2"}"#)
        #expect(PodLabels([:]).annotation == Array("{}".utf8) && PodLabels([:]).cut == 0)
    }

    @Test func labelsBeyondTheLimitAreCounted() throws {
        let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key-\(1000 + $0)", String(repeating: "\u{1}", count: 10)) })
        let labels = PodLabels(many)
        let text = labels.annotation
        #expect(text.count <= PodLabels.limit && text.count > PodLabels.limit - 200)
        var message = HookMessage(operation: .add, containerID: [1])
        message.runtime = .containerd
        message.annotations = [.init(key: Array(PodLabels.key.utf8), value: text), .init(key: Array("io.kubernetes.cri.sandbox-namespace".utf8), value: [110])]
        let read = ContainerLabels(message).labels.filter { $0.key.hasPrefix("key-") }
        #expect(read.count == 1000 - labels.cut && labels.cut > 0)
        #expect(read.allSatisfy { many[$0.key] == $0.value })
    }

    /// Runtime, whether the plugin itself tells, and whether the annotation counts.
    static let believed: [(String, ContainerRuntime?, Bool)] = [
        ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1", nil, true), ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1", .containerd, true),
        ("/run/containers/storage/overlay-containers/c1/userdata", nil, false), ("/run/containers/storage/overlay-containers/c1/userdata", .crio, true),
    ]

    @Test(arguments: believed) func aPodsAuthorCannotGiveLabelsUnderCRIO(_ bundle: String, _ runtime: ContainerRuntime?, _ counts: Bool) {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        message.bundle = Array(bundle.utf8)
        message.runtime = runtime
        message.annotations = [
            ("io.container.manager", "cri-o"), ("io.kubernetes.cri.sandbox-namespace", "shop"), ("io.kubernetes.pod.namespace", "shop"), (PodLabels.key, #"{"app":"till"}"#),
        ].map { HookMessage.Annotation(key: Array($0.0.utf8), value: Array($0.1.utf8)) }
        #expect((ContainerLabels(message).labels["app"] == "till") == counts)
    }

    // MARK: Runtimes

    static let versions: [(RuntimeInfo, Bool)] = [
        (RuntimeInfo(name: "containerd", version: "1.7.24~ds1"), false), (RuntimeInfo(name: "containerd", version: "2.1.9+unknown"), false),
        (RuntimeInfo(name: "containerd", version: "v2.2.0"), true), (RuntimeInfo(name: "containerd", version: "3.0"), true),
        (RuntimeInfo(name: "cri-o", version: "1.33.9"), false), (RuntimeInfo(name: "cri-o", version: "1.34.0"), true),
        (RuntimeInfo(name: "containerd", version: "2.4.0-beta", nriVersion: "v0.12.2"), true), (RuntimeInfo(name: "other", version: "9.9"), false),
        (RuntimeInfo(name: "other", version: "", nriVersion: "0.9.1"), false), (RuntimeInfo(name: "containerd", version: "unknown"), false),
    ]

    @Test(arguments: versions) func onlyRuntimesThatKnowItAreAskedToValidate(_ runtime: RuntimeInfo, _ validates: Bool) {
        #expect(runtime.validates == validates)
        let mask = RuntimeEvent.mask(validates: runtime.validates)
        #expect(mask & ~(validates ? 0x3FFF : 0x7FF) == 0, "a bit that the runtime does not know has it close the connection")
        #expect(mask & 0x29 == 0x29)
    }

    @Test func everyEventIsKnownByItsMethod() {
        for event in RuntimeEvent.allCases { #expect(RuntimeEvent(method: event.method) == event) }
        #expect(RuntimeEvent(method: "StateChange") == nil)
    }
}
