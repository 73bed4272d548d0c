import Core
import HookWire
import Testing

/// podman's own lists of its containers, and what becomes of what they say.
@Suite struct PodmanStorageTests {
    static let kept = "8bdcc59570530d716a06b1aec113ebe1eb885685272a5feedc7cd49b5737193e"
    static let other = "5a665a2cc34c9ef421c824b234ed243cdc47c0c7370aeab3bb2f920fc4677ea0"
    /// As podman 4.3.1 wrote it.
    static let list = #"""
        [{"id":"8bdcc59570530d716a06b1aec113ebe1eb885685272a5feedc7cd49b5737193e","names":["kept"],"image":"2a8384d9b61b2489b1a9f721c8cb0655e1c662f477b37c348f748b55e12098dc","layer":"93dde132b2774485f4f024eec7678b39aa2f205d7c2acf9651a7398657e923a2","metadata":"{\"image-name\":\"localhost/bb:1\",\"image-id\":\"2a8384d9b61b2489b1a9f721c8cb0655e1c662f477b37c348f748b55e12098dc\",\"name\":\"kept\",\"created-at\":1795346080}","created":"2026-11-22T11:14:40.186042885Z","flags":{"MountLabel":"","ProcessLabel":""}},{"id":"5a665a2cc34c9ef421c824b234ed243cdc47c0c7370aeab3bb2f920fc4677ea0","names":["vol"],"image":"2a8384d9b61b2489b1a9f721c8cb0655e1c662f477b37c348f748b55e12098dc","layer":"3ce6bc08e337dc401337ea3961511c1ebca6750b087a4e721de254745a3b761a","metadata":"{\"image-name\":\"localhost/bb:1\",\"image-id\":\"2a8384d9b61b2489b1a9f721c8cb0655e1c662f477b37c348f748b55e12098dc\",\"name\":\"vol\",\"created-at\":1795346080}","created":"2026-11-22T11:14:40.791647777Z","flags":{"MountLabel":"","ProcessLabel":"","Volatile":true}}]
        """#

    private func names(_ document: String, only: String? = nil, step: Int = Int.max) throws -> [String: String] {
        let found = try PodmanStorage.names(in: ArraySource(Array(document.utf8), step: step), only: only.map { Array($0.utf8) })
        return Dictionary(uniqueKeysWithValues: found.map { (text($0.key), "\(text($0.value.name)) \(text($0.value.image))") })
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(arguments: [1, 7, Int.max]) func aListAsItIs(_ step: Int) throws {
        #expect(try names(Self.list, step: step) == [Self.kept: "kept localhost/bb:1", Self.other: "vol localhost/bb:1"])
        #expect(try names(Self.list, only: Self.other, step: step) == [Self.other: "vol localhost/bb:1"])
        #expect(try names(Self.list, only: "8bdcc5", step: step).isEmpty, "an id is compared whole")
    }

    @Test(arguments: [
        ("[]", [:]), ("null", [:]), (#"[{"id":"a"}]"#, ["a": " "]), (#"[{"id":"a","names":null,"metadata":""}]"#, ["a": " "]),
        // After `podman rename` the metadata has the old name.
        (#"[{"names":["new"],"metadata":"{\"name\":\"old\",\"image-name\":\"i\"}","id":"a"}]"#, ["a": "new i"]),
        (#"[{"id":"a","metadata":"{\"name\":\"b\"}"}]"#, ["a": "b "]), (#"[{"id":"a","names":["b"],"metadata":"not ours"}]"#, ["a": "b "]),
    ] as [(String, [String: String])]) func lessThanAll(_ document: String, _ expected: [String: String]) throws {
        #expect(try names(document) == expected)
        #expect(try names(document, only: "a") == expected)
    }

    @Test(arguments: [
        ("", JSONError.Kind.truncated), ("{}", .type), (#"[{"id":"a"}"#, .truncated), (#"[{"id":1}]"#, .type), (#"[{"id":"a","metadata":"{"}]"#, .truncated), ("[1]", .type), ("[] x", .syntax),
    ]) func whatIsNoListIsRefused(_ document: String, _ kind: JSONError.Kind) {
        #expect { _ = try names(document) } throws: { ($0 as? JSONError)?.kind == kind }
    }

    @Test(arguments: [
        ("/var/lib/containers/storage/overlay-containers/c1/userdata", "/var/lib/containers/storage/overlay-containers"), ("/g/vfs-containers/c1/userdata", "/g/vfs-containers"),
        ("/g/vfs-containers/c2/userdata", nil), ("/g/vfs-containers/xc1/userdata", nil), ("/g/vfs-containers/c1", nil), ("g/vfs-containers/c1/userdata", nil),
        ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1", nil), ("/g/containers/c1/userdata", nil), ("", nil),
    ] as [(String, String?)]) func theListsAreAboveTheBundle(_ bundle: String, _ expected: String?) {
        #expect(PodmanStorage.directory(ofBundle: Array(bundle.utf8), id: Array("c1".utf8)).map(text) == expected)
    }

    private func message(_ annotations: [(String, String)], bundle: String = "/g/overlay-containers/c1/userdata") -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        message.bundle = Array(bundle.utf8)
        message.annotations = annotations.map { .init(key: Array($0.0.utf8), value: Array($0.1.utf8)) }
        return message
    }

    private var web: StoredNames {
        var names = StoredNames()
        names.name = Array("web".utf8)
        names.image = Array("localhost/shop:1".utf8)
        return names
    }

    @Test func namesAreShownAndSelectedBy() {
        var message = message([("io.container.manager", "libpod"), ("app", "x")])
        message.setNames(web)
        #expect(WorkloadIdentity(message).containerName == "web" && WorkloadIdentity(message).image == "localhost/shop:1")
        let labels = ContainerLabels(message)
        #expect(labels.containerName == "web" && labels.namespace == "default")
        #expect(labels.labels == ["io.container.manager": "libpod", "app": "x", "portcullis.io/name": "web", "portcullis.io/image": "localhost/shop:1"])
        message.annotations.append(.init(key: Array("kubearmor.io/container.name".utf8), value: Array("main".utf8)))
        #expect(ContainerLabels(message).containerName == "main")
    }

    @Test func anAnnotationIsNoName() {
        let forged = [("io.container.manager", "libpod"), ("portcullis.io/name", "forged"), ("portcullis.io/image", "forged"), ("portcullis.io/name", "again")]
        for names in [nil, StoredNames(), web] {
            var message = message(forged)
            message.setNames(names)
            let known = names.map { text($0.name) } ?? ""
            #expect(WorkloadIdentity(message).containerName == known)
            #expect(ContainerLabels(message).labels["portcullis.io/image"] == (known.isEmpty ? nil : "localhost/shop:1"))
            #expect(!message.annotations.contains { text($0.value) == "forged" || text($0.value) == "again" })
        }
    }

    @Test func onlyPodmansContainersAreCalledSo() {
        var elsewhere = message([("portcullis.io/name", "web")], bundle: "/b")
        #expect(WorkloadIdentity(elsewhere).containerName.isEmpty && ContainerLabels(elsewhere).containerName == "c1")
        elsewhere = message([("portcullis.io/name", "web"), ("io.container.manager", "cri-o"), ("io.kubernetes.container.name", "k")])
        #expect(WorkloadIdentity(elsewhere).containerName == "k" && ContainerLabels(elsewhere).containerName == "k")
    }

    /// A message too large for a record keeps what names the workload. The others are so small that no room is left for a name behind them.
    @Test func namesAreKeptFirst() throws {
        var message = message([("io.container.manager", "libpod")] + (0..<2_000).map { ("f\($0)", "") })
        (message.pid, message.startTime) = (1, 1)
        message.setNames(web)
        let kept = try HookMessage(decoding: message.encoded(bodyLimit: 8_000).dropFirst(Frame.lengthBytes))
        #expect(kept.annotationsCut > 0 && WorkloadIdentity(kept).containerName == "web")
    }
}
