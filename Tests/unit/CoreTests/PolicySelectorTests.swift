import Core
import HookWire
import Testing

@Suite struct PolicySelectorTests {
    @Test(arguments: [
        ("app: web", ["app": "web", "x": "y"], true), ("app: web", ["app": "web2"], false), ("app: web", ["App": "web"], false),
        ("app: web", [:], false),
        ("app: web, tier: front", ["app": "web", "tier": "front"], true), ("app: web, tier: front", ["app": "web"], false),
        ("app: ''", ["app": ""], true),
        ("app: ''", [:], false), ("kubearmor.io/container.name: one", [:], true), ("kubearmor.io/container.name: one2", [:], false),
        ("kubearmor.io/container.name: '[two, one]'", [:], true), ("kubearmor.io/container.name: '[two]'", [:], false),
        ("kubearmor.io/container.name: '[]'", [:], true), ("kubearmor.io/container.name: one, app: web", [:], false),
        ("kubearmor.io/container.name: one, app: web", ["app": "web"], true),
    ] as [(String, [String: String], Bool)])
    func comparesExactly(_ selector: String, _ labels: [String: String], _ expected: Bool) throws {
        let policy = try #require(PolicySample.parse(PolicySample.text(labels: selector)).policies.first)
        #expect(policy.selects(ContainerLabels(namespace: "shop", containerName: "one", labels: labels)) == expected)
        #expect(policy.selector.matches(labels: labels, containerName: "one") == expected)
        // Neither another namespace nor what only holds the pod's namespaces.
        #expect(!policy.selects(ContainerLabels(namespace: "default", containerName: "one", labels: labels)))
        #expect(!policy.selects(ContainerLabels(namespace: "shop", containerName: "one", labels: labels, isSandbox: true)))
    }

    @Test(arguments: [
        ("[{key: label, operator: In, values: [app=web]}]", ["app": "web"], true), ("[{key: label, operator: In, values: [app=web]}]", ["app": "db"], false),
        ("[{key: label, operator: In, values: [app=web]}]", [:], false),
        ("[{key: label, operator: In, values: [app=web, app=db]}]", ["app": "db"], true),
        // Several expressions of one operator are one list.
        ("[{key: label, operator: In, values: [app=web]}, {key: label, operator: In, values: [app=db]}]", ["app": "db"], true),
        ("[{key: label, operator: NotIn, values: [app=web]}]", ["app": "web"], false), ("[{key: label, operator: NotIn, values: [app=web]}]", [:], true),
        ("[{key: label, operator: NotIn, values: [app=web]}, {key: label, operator: NotIn, values: [app=db]}]", ["app": "db"], false),
        // Both operators count, in either order.
        ("[{key: label, operator: In, values: [app=web]}, {key: label, operator: NotIn, values: [tier=front]}]", ["app": "web", "tier": "front"], false),
        ("[{key: label, operator: NotIn, values: [tier=front]}, {key: label, operator: In, values: [app=web]}]", ["app": "web", "tier": "front"], false),
        ("[{key: label, operator: NotIn, values: [tier=front]}, {key: label, operator: In, values: [app=web]}]", ["app": "web"], true),
        ("[{key: label, operator: NotIn, values: [tier=front]}, {key: label, operator: In, values: [app=web]}]", ["app": "db"], false),
        // A value may be empty or hold the sign itself.
        ("[{key: label, operator: In, values: [app=]}]", ["app": ""], true), ("[{key: label, operator: In, values: [app=]}]", [:], false),
        ("[{key: label, operator: In, values: [a=b=c]}]", ["a": "b=c"], true),
    ] as [(String, [String: String], Bool)])
    func evaluatesExpressions(_ expressions: String, _ labels: [String: String], _ expected: Bool) throws {
        let alone = PolicySample.text(labels: "x: y").replacing("matchLabels: {x: y}", with: "matchExpressions: \(expressions)")
        try #require(alone.contains("matchExpressions"))
        let policy = try #require(PolicySample.parse(alone).policies.first)
        #expect(policy.selector.matches(labels: labels, containerName: "one") == expected)
        // Beside matchLabels both must hold.
        let both = PolicySample.text(labels: "x: y").replacing("matchLabels: {x: y}", with: "matchLabels: {x: y}, matchExpressions: \(expressions)")
        let stricter = try #require(PolicySample.parse(both).policies.first)
        #expect(!stricter.selector.matches(labels: labels, containerName: "one"))
        #expect(stricter.selector.matches(labels: labels.merging(["x": "y"]) { $1 }, containerName: "one") == expected)
    }

    @Test(arguments: [
        ("[{key: namespace, operator: In, values: [a, b]}]", "b", [:], true), ("[{key: namespace, operator: In, values: [a, b]}]", "c", [:], false),
        ("[{key: namespace, operator: NotIn, values: [a]}]", "a", [:], false), ("[{key: namespace, operator: NotIn, values: [a]}]", "later", [:], true),
        ("[{key: namespace, operator: In, values: [a]}, {key: namespace, operator: NotIn, values: [a]}]", "a", [:], false),
        ("[{key: namespace, operator: NotIn, values: [a]}, {key: label, operator: NotIn, values: [app=web]}]", "b", ["app": "web"], false),
        ("[{key: namespace, operator: NotIn, values: [a]}, {key: label, operator: NotIn, values: [app=web]}]", "b", [:], true),
        ("[{key: label, operator: In, values: [app=web]}]", "any", ["app": "web"], true), ("[]", "any", [:], true),
    ] as [(String, String, [String: String], Bool)])
    func policiesOfTheClusterSelectNamespaces(_ expressions: String, _ namespace: String, _ labels: [String: String], _ expected: Bool) throws {
        let text = PolicySample.text(labels: "x: y").replacing("matchLabels: {x: y}", with: "matchExpressions: \(expressions)")
            .replacing("kind: KubeArmorPolicy", with: "kind: KubeArmorClusterPolicy")
        let file = PolicySample.parse(text)
        let policy = try #require(file.policies.first, "\(file.errors)")
        #expect(policy.identity.hasPrefix("_cluster/") && file.warnings.contains { $0.problem.contains("in no namespace") })
        let container = ContainerLabels(namespace: namespace, containerName: "one", labels: labels)
        #expect(policy.selects(container) == expected)
        #expect(!policy.selects(ContainerLabels(namespace: namespace, containerName: "one", labels: labels, isSandbox: true)))
        // Beside the namespace's own, in the order of their identities.
        var library = PolicyLibrary()
        library.update(file: "cluster.yaml", text: Array(text.utf8))
        library.update(file: "own.yaml", text: Array(PolicySample.text(labels: "").replacing("namespace: shop", with: "namespace: \(namespace)").utf8))
        #expect(library.problems.isEmpty, "\(library.problems)")
        let identities = library.selected(for: container).map(\.identity)
        #expect(identities == identities.sorted() && identities.count == (expected ? 2 : 1), "\(identities)")
    }

    @Test(arguments: [
        ("selector: {matchLabels: {x: y}}", "unknown field"),
        ("selector: {matchLabels: {x: y}, matchExpressions: [{key: namespace, operator: In, values: [a]}]}", "unknown field"), ("selector: {matchExpressions: [{key: name, operator: In, values: [a]}]}", "label or namespace"),
        ("selector: {matchExpressions: [{key: namespace, operator: In, values: [A_b]}]}", "can be no namespace"),
        ("selector: {matchExpressions: [{key: namespace, operator: In, values: []}]}", "expected namespaces"),
    ])
    func policiesOfTheClusterAreRefused(_ selector: String, _ problem: String) {
        let text = PolicySample.text(labels: "x: y").replacing("selector: {matchLabels: {x: y}}", with: selector)
            .replacing("kind: KubeArmorPolicy", with: "kind: KubeArmorClusterPolicy")
        let file = PolicySample.parse(text)
        #expect(file.policies.isEmpty && file.errors.count == 1 && file.errors[0].problem.contains(problem), "\(file.errors)")
    }

    struct Message: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bundle: String
        let annotations: [(String, String)]
        let expected: ContainerLabels
    }

    private static let task = "/run/containerd/io.containerd.runtime.v2.task/"
    private static let storage = "/var/lib/containers/storage/overlay-containers/c1/userdata"
    private static let kubelet = ["io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.container.name": "main"]

    static let messages: [Message] = [
        Message(
            testDescription: "bare: every annotation is a label", bundle: "/b", annotations: [("app", "web"), ("", "x"), ("tier", "")],
            expected: ContainerLabels(containerName: "c1", labels: ["app": "web", "": "x", "tier": ""])),
        Message(
            testDescription: "bare: name and namespace can be given", bundle: "/b",
            annotations: [("kubearmor.io/container.name", "main"), ("portcullis.io/namespace", "shop")],
            expected: ContainerLabels(
                namespace: "shop", containerName: "main", labels: ["kubearmor.io/container.name": "main", "portcullis.io/namespace": "shop"])),
        Message(
            testDescription: "bare: what can be no namespace is none", bundle: "/b", annotations: [("portcullis.io/namespace", "a/b")],
            expected: ContainerLabels(containerName: "c1", labels: ["portcullis.io/namespace": "a/b"])),
        Message(
            testDescription: "bare: Kubernetes' annotations are only labels there", bundle: "/b", annotations: [("io.kubernetes.pod.namespace", "shop")],
            expected: ContainerLabels(containerName: "c1", labels: ["io.kubernetes.pod.namespace": "shop"])),
        Message(
            testDescription: "podman: name can be given, namespace not", bundle: storage,
            annotations: [
                ("io.container.manager", "libpod"), ("kubearmor.io/container.name", "main"), ("portcullis.io/namespace", "shop"),
                ("app", "web"),
            ],
            expected: ContainerLabels(
                containerName: "main",
                labels: [
                    "io.container.manager": "libpod", "kubearmor.io/container.name": "main", "portcullis.io/namespace": "shop",
                    "app": "web",
                ])),
        Message(
            testDescription: "containerd: a pod's own annotations change nothing", bundle: task + "k8s.io/c1",
            annotations: [
                ("io.kubernetes.cri.sandbox-namespace", "shop"), ("io.kubernetes.cri.sandbox-name", "web-1"),
                ("io.kubernetes.cri.container-name", "main"), ("portcullis.io/namespace", "free"), ("kubearmor.io/container.name", "other"),
                ("app", "web"), ("io.kubernetes.cri-o.Labels", #"{"app":"web"}"#),
            ],
            expected: ContainerLabels(namespace: "shop", containerName: "main", labels: kubelet)),
        Message(
            testDescription: "containerd: a pod's sandbox", bundle: task + "k8s.io/c1",
            annotations: [
                ("io.kubernetes.cri.sandbox-namespace", "shop"), ("io.kubernetes.cri.sandbox-name", "web-1"),
                ("io.kubernetes.cri.container-type", "sandbox"),
            ],
            expected: ContainerLabels(
                namespace: "shop", containerName: "", labels: kubelet.filter { $0.value != "main" }, isSandbox: true)),
        Message(
            testDescription: "containerd without Kubernetes, as Docker: like a bare one", bundle: task + "moby/c1", annotations: [("app", "web")],
            expected: ContainerLabels(containerName: "c1", labels: ["app": "web"])),
        Message(
            testDescription: "CRI-O: the labels that it writes down", bundle: storage,
            annotations: [
                ("io.container.manager", "cri-o"), ("io.kubernetes.pod.namespace", "shop"), ("io.kubernetes.pod.name", "web-1"),
                ("io.kubernetes.container.name", "main"),
                ("io.kubernetes.cri-o.Labels", #"{"io.kubernetes.pod.namespace":"free","tier":"a\"b"}"#), ("app", "web"),
            ],
            expected: ContainerLabels(namespace: "shop", containerName: "main", labels: kubelet.merging(["tier": "a\"b"]) { first, _ in first })),
        Message(
            testDescription: "CRI-O: labels that are no JSON", bundle: storage,
            annotations: [
                ("io.container.manager", "cri-o"), ("io.kubernetes.pod.namespace", "shop"), ("io.kubernetes.pod.name", "web-1"),
                ("io.kubernetes.container.name", "main"), ("io.kubernetes.cri-o.Labels", #"{"tier":"a"} x"#),
            ],
            expected: ContainerLabels(namespace: "shop", containerName: "main", labels: kubelet)),
    ]

    @Test(arguments: messages)
    func labelsOfAContainer(_ given: Message) {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        message.bundle = Array(given.bundle.utf8)
        message.annotations = given.annotations.map { HookMessage.Annotation(key: Array($0.0.utf8), value: Array($0.1.utf8)) }
        #expect(ContainerLabels(message) == given.expected)
    }
}
