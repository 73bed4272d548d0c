import Core
import HookWire
import Testing

/// Which labelled processes are of a container of one namespace.
@Suite struct RegistryMembersTests {
    let kernel = MemoryKernel()
    /// The host's.
    static let pidNamespace: UInt32 = 1
    static let containerd = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1"

    private func added(
        _ registry: inout Registry<MemoryKernel>, _ namespace: String, bundle: String = containerd, runtime: ContainerRuntime? = nil,
        key: String = "io.kubernetes.cri.sandbox-namespace", pid: UInt32 = 10, mount: UInt32 = 100
    ) throws -> SlotReference {
        kernel.start(pid, mount: mount, pidNamespace: Self.pidNamespace, sequence: UInt64(mount))
        var message = HookMessage(operation: .add, containerID: Array("c\(pid)".utf8))
        message.pid = pid
        message.startTime = UInt64(pid) * 7
        message.bundle = Array(bundle.utf8)
        message.runtime = runtime
        message.annotations = [.init(key: Array(key.utf8), value: Array(namespace.utf8))]
        return try #require(registry.add(message, body: message.encoded()[4...], now: 5).watch).reference
    }

    /// A process of the container's, or of what somebody made inside.
    private func process(mount: UInt32 = 100, pidNamespace: UInt32 = pidNamespace, sequence: UInt64 = 100) -> ProcessIdentity {
        ProcessIdentity(pid: 77, startTime: 1, key: NamespaceKey(mount: mount, pid: pidNamespace), mountSequence: sequence)
    }

    @Test func theNamespaceDecides() throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "portcullis")
        #expect(registry.isMember(process(), labelled: label, of: "portcullis") == true)
        for other in ["", "shop", "portculli", "portcullis2", "PORTCULLIS"] { #expect(registry.isMember(process(), labelled: label, of: other) == false, "\(other)") }
    }

    @Test func noNamespaceIsNobodys() throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "")
        #expect(registry.isMember(process(), labelled: label, of: "") == false)
    }

    @Test(arguments: [
        (containerd, nil, "io.kubernetes.cri.sandbox-namespace", true),
        ("/var/lib/containers/storage/overlay-containers/c1/userdata", ContainerRuntime.crio, "io.kubernetes.pod.namespace", true),
        ("", .containerd, "io.kubernetes.cri.sandbox-namespace", true),
        // A pod's own annotations may be called so, and a bare bundle anything.
        ("/var/lib/containers/storage/overlay-containers/c1/userdata", .crio, "io.kubernetes.cri.sandbox-namespace", false),
        ("/srv/bundle", nil, "io.kubernetes.cri.sandbox-namespace", false),
        ("/srv/bundle", nil, "io.kubernetes.pod.namespace", false),
        ("/srv/bundle", .podman, "io.kubernetes.pod.namespace", false),
    ] as [(String, ContainerRuntime?, String, Bool)])
    func onlyARuntimesWordCounts(_ bundle: String, _ runtime: ContainerRuntime?, _ key: String, _ expected: Bool) throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "portcullis", bundle: bundle, runtime: runtime, key: key)
        #expect(registry.isMember(process(), labelled: label, of: "portcullis") == expected)
    }

    @Test func whatIsStartedInsideIsAnotherContainer() throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "portcullis")
        #expect(registry.isMember(process(mount: 200, sequence: 200), labelled: label, of: "portcullis") == false)
        #expect(registry.isMember(process(pidNamespace: 2), labelled: label, of: "portcullis") == false)
        // The number of a mount namespace that another one had before.
        #expect(registry.isMember(process(sequence: 101), labelled: label, of: "portcullis") == false)
        // Registered by itself it has its own label, and is judged by its own name.
        let inner = try added(&registry, "portcullis", bundle: "/srv/inner", pid: 11, mount: 200)
        #expect(registry.isMember(process(mount: 200, sequence: 200), labelled: inner, of: "portcullis") == false)
    }

    @Test func aContainerThatIsGoneIsNobody() throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "portcullis")
        for stale in [SlotReference(slot: label.slot, generation: label.generation + 1), SlotReference(slot: label.slot + 1, generation: 1), SlotReference(slot: 4_000_000, generation: 1)] {
            #expect(registry.isMember(process(), labelled: stale, of: "portcullis") == false, "\(stale)")
        }
        kernel.slots[Int(label.slot)].tasks += 1 // a child that lives on
        kernel.end(10)
        #expect(registry.isMember(process(), labelled: label, of: "portcullis") == false, "its init has ended, and nobody has said so yet")
        #expect(try registry.processEnded(label) != nil)
        #expect(registry.container(inSlot: label.slot)?.state == .ended)
        #expect(registry.isMember(process(), labelled: label, of: "portcullis") == false)
    }

    @Test func anInitThatHasLeftItsMountsVouchesForNobody() throws {
        var registry = Registry(kernel: kernel)
        let label = try added(&registry, "portcullis")
        // The number of its mount namespace has been given to another container, whose init lives.
        kernel.start(11, mount: 100, pidNamespace: Self.pidNamespace, sequence: 300)
        #expect(registry.add("other", 11) == .registered)
        #expect(registry.isMember(process(), labelled: label, of: "portcullis") == false)
    }
}
