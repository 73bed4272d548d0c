import HookWire
import Testing

@testable import Core

/// What becomes of a container's message when the runtime's own word comes to it.
@Suite struct MessageMerging {
    private static func annotation(_ key: String, _ value: String) -> HookMessage.Annotation { .init(key: Array(key.utf8), value: Array(value.utf8)) }

    private static func hooks() -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        (message.pid, message.startTime) = (7, 9)
        message.bundle = Array("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1".utf8)
        message.rootfs = Array("rootfs".utf8)
        message.annotations = [annotation("io.kubernetes.cri.sandbox-namespace", "shop"), annotation("mine", "1")]
        return message
    }

    private static func runtimes() -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        (message.pid, message.startTime, message.runtime, message.sources) = (7, 9, .containerd, ReplaySources.nri.rawValue)
        message.annotations = [annotation("io.kubernetes.cri.sandbox-namespace", "shop"), annotation("portcullis.io/pod-labels", #"{"app":"till"}"#)]
        return message
    }

    private static func container(_ message: HookMessage) -> Container {
        Container(
            reference: SlotReference(slot: 0, generation: 1), id: message.containerID, message: Array(message.encoded().dropFirst(Frame.lengthBytes)),
            process: ProcessIdentity(pid: 7, startTime: 90_000_000, key: NamespaceKey(mount: 1, pid: 2), mountSequence: 0), registered: 0, descriptor: -1)
    }

    private static func merged(_ known: HookMessage, with other: HookMessage) throws -> HookMessage? {
        let body = other.encoded().dropFirst(Frame.lengthBytes)
        let plain = try HookMessage(decoding: body, keepsAnnotations: false)
        return try container(known).better(plain, body).map { try HookMessage(decoding: $0) }
    }

    @Test func theRuntimeAddsLabelsToWhatAHookHasTold() throws {
        let result = try #require(try Self.merged(Self.hooks(), with: Self.runtimes()))
        #expect(ContainerLabels(result).labels["app"] == "till")
        #expect(result.bundle == Self.hooks().bundle && result.rootfs == Self.hooks().rootfs)
        #expect(result.annotations.contains(Self.annotation("mine", "1")))
        #expect(result.sources == 0, "what a hook has told of does not become a scan's finding")
        #expect(try Self.merged(result, with: Self.runtimes()) == nil, "told again, nothing changes")
    }

    @Test func theRuntimesNamesWin() throws {
        var forged = Self.hooks()
        forged.annotations = [Self.annotation("io.kubernetes.cri.sandbox-namespace", "free"), Self.annotation("portcullis.io/pod-labels", #"{"app":"other"}"#)]
        let result = try #require(try Self.merged(forged, with: Self.runtimes()))
        #expect(ContainerLabels(result).namespace == "shop" && ContainerLabels(result).labels["app"] == "till")
    }

    @Test func aHookThatComesAfterTheRuntimeKeepsItsWord() throws {
        var hook = Self.hooks()
        hook.annotations = [Self.annotation("mine", "1")]
        let result = try #require(try Self.merged(Self.runtimes(), with: hook))
        #expect(ContainerLabels(result).labels["app"] == "till" && result.bundle == hook.bundle)
    }

    @Test func aScanAddsNothingToWhatAHookHasTold() throws {
        var scan = Self.runtimes()
        scan.runtime = nil
        scan.sources = ReplaySources.runc.rawValue
        #expect(try Self.merged(Self.hooks(), with: scan) == nil)
        #expect(try Self.merged(scan, with: Self.hooks())?.bundle == Self.hooks().bundle, "and a hook replaces what a scan has found")
    }
}
