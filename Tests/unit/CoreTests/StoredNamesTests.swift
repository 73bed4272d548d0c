import Core
import HookWire
import Testing

/// What Docker keeps of a container, and what becomes of labels that podman and Docker keep.
@Suite struct StoredNamesTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func label(_ key: String, _ value: String) -> HookMessage.Annotation { .init(key: bytes(key), value: bytes(value)) }

    private static let podman = "/g/overlay-containers/c1/userdata"
    private static let docker = "/run/containerd/io.containerd.runtime.v2.task/moby/c1"

    private func message(_ annotations: [(String, String)], bundle: String) -> HookMessage {
        var message = HookMessage(operation: .add, containerID: bytes("c1"))
        (message.pid, message.startTime) = (1, 1)
        message.bundle = bytes(bundle)
        message.annotations = annotations.map { label($0.0, $0.1) }
        return message
    }

    private func names(_ labels: (String, String)...) -> StoredNames {
        var names = StoredNames()
        names.name = bytes("web")
        names.image = bytes("shop:1")
        names.labels = labels.map { label($0.0, $0.1) }
        return names
    }

    // MARK: Docker's file

    /// As Docker 20.10 writes it, without what says nothing here.
    private static let file = #"""
        {"StreamConfig":{},"State":{"Running":true,"Pid":7},"ID":"c1","Created":"2026-11-22T11:14:40Z","Config":{"Hostname":"c1","Env":["Name=/no"],"Image":"shop:1","Labels":{"app":"shop","q":"\"x"}},
        "Image":"sha256:2a83","Name":"/web","Driver":"vfs","NetworkSettings":{"Name":"none"}}
        """#

    @Test(arguments: [1, 7, Int.max]) func dockersFileAsItIs(_ step: Int) throws {
        let read = try #require(try DockerStorage.names(in: ArraySource(bytes(Self.file), step: step), of: bytes("c1")))
        #expect(read == names(("app", "shop"), ("q", "\"x")))
        #expect(try DockerStorage.names(in: ArraySource(bytes(Self.file), step: step), of: bytes("c2")) == nil, "another one's")
    }

    @Test(arguments: [
        (#"{"ID":"c1"}"#, true), (#"{"ID":"c1","Config":null,"Name":null}"#, true), (#"{"ID":"c1","Config":{"Labels":null,"Image":""}}"#, true), ("{}", false),
    ]) func dockersFileWithLess(_ text: String, _ isKnown: Bool) throws {
        #expect(try DockerStorage.names(in: ArraySource(bytes(text)), of: bytes("c1")) == (isKnown ? StoredNames() : nil))
    }

    @Test(arguments: ["", "[]", #"{"ID":"c1""#, #"{"ID":1}"#, #"{"ID":"c1","Config":{"Labels":[]}}"#]) func whatIsNoneOfDockersIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { _ = try DockerStorage.names(in: ArraySource(bytes(text)), of: bytes("c1")) }
    }

    @Test(arguments: [
        ("/var/lib/docker/overlay2/1a/merged", ["/var/lib/docker", "/var/lib"]), ("/data/vfs/dir/1a", ["/data", "", "/var/lib/docker"]),
        ("/d/e/devicemapper/mnt/1a/rootfs", ["/d/e/devicemapper", "/d/e", "/var/lib/docker"]), ("rootfs", ["/var/lib/docker"]), ("", ["/var/lib/docker"]), ("/a/b/c", ["/var/lib/docker"]),
    ]) func theDataRootIsAboveTheRootFileSystem(_ rootfs: String, _ roots: [String]) {
        #expect(DockerStorage.files(rootfs: bytes(rootfs), id: bytes("c1")) == roots.map { "\($0)/containers/c1/config.v2.json" })
    }

    @Test(arguments: [
        (podman, "podman"), (docker, "docker"), ("/var/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/c1", "docker"), ("io.containerd.runtime.v2.task/moby/c1", nil),
        ("/run/containerd/io.containerd.runtime.v2.task/moby/c2", nil), ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1", nil), ("/run/containerd/io.containerd.runtime.v2.task/moby/c1/x", nil), ("", nil),
    ] as [(String, String?)]) func whoKeepsIt(_ bundle: String, _ expected: String?) {
        let message = message([("io.container.manager", "libpod")], bundle: bundle)
        #expect(NameStore.isThinkable(message) == (expected != nil))
        switch NameStore(message) {
        case .podman(let lists): #expect(expected == "podman" && lists == bytes("/g/overlay-containers"))
        case .docker: #expect(expected == "docker")
        case nil: #expect(expected == nil)
        }
    }

    // MARK: What they are for

    @Test(arguments: [podman, docker]) func labelsAreSelectedBy(_ bundle: String) throws {
        var message = message([("io.container.manager", "libpod")], bundle: bundle)
        message.setNames(names(("app", "shop"), ("q", "\"x\u{1}")))
        // As the record of a container keeps it.
        let kept = try HookMessage(decoding: message.encoded(bodyLimit: 24 << 10).dropFirst(Frame.lengthBytes))
        let workload = WorkloadIdentity(kept), labels = ContainerLabels(kept)
        #expect(workload.containerName == "web" && workload.image == "shop:1" && labels.containerName == "web" && labels.namespace == "default")
        #expect(labels.labels == ["io.container.manager": "libpod", "portcullis.io/name": "web", "portcullis.io/image": "shop:1", "app": "shop", "q": "\"x\u{1}"])
        message.setNames(nil)
        #expect(ContainerLabels(message).labels == ["io.container.manager": "libpod"] && WorkloadIdentity(message).containerName.isEmpty)
    }

    /// Labels come with an image, too: its author must not take a container out of what an annotation or its name puts it into.
    @Test(arguments: [podman, docker]) func aLabelTakesNoAnnotationsPlace(_ bundle: String) {
        var message = message([("io.container.manager", "libpod"), ("app", "web"), ("portcullis.io/labels", #"{"forged":"yes"}"#)], bundle: bundle)
        message.setNames(names(("app", "other"), ("kubearmor.io/container.name", "forged"), ("portcullis.io/name", "forged"), ("portcullis.io/namespace", "forged"), ("tier", "front")))
        let labels = ContainerLabels(message)
        #expect(labels.labels == ["io.container.manager": "libpod", "portcullis.io/name": "web", "portcullis.io/image": "shop:1", "app": "web", "tier": "front"])
        #expect(labels.containerName == "web" && labels.namespace == "default")
    }

    /// A container of somebody else's may have such an annotation: it is one like any other.
    @Test func labelsOfOthersAreAnnotations() {
        let message = message([("portcullis.io/labels", #"{"app":"shop"}"#), ("portcullis.io/name", "web")], bundle: "/b")
        let labels = ContainerLabels(message)
        #expect(labels.labels == ["portcullis.io/labels": #"{"app":"shop"}"#, "portcullis.io/name": "web"] && labels.containerName == "c1")
        #expect(WorkloadIdentity(message).containerName.isEmpty)
    }

    @Test func theLongestLabelsAreLeftOut() {
        var known = names(("licence", String(repeating: "l", count: 9_000)), ("app", "shop"), ("quotes", String(repeating: "\"", count: 3_000)))
        #expect(known.cutLabels() == 1 && known.labels.map(\.key) == [bytes("app"), bytes("quotes")])
        #expect(known.cutLabels() == 0 && known.labels.count == 2)
        var exact = names(("a", String(repeating: "x", count: StoredNames.labelsLimit - 9)))
        #expect(exact.cutLabels() == 0 && exact.labels.count == 1)
        exact = names(("a", String(repeating: "x", count: StoredNames.labelsLimit - 8)))
        #expect(exact.cutLabels() == 1 && exact.labels.isEmpty)
    }
}
