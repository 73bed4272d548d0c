import HookWire

/// A container that is registered: who it is, and the slot that stands for it in the kernel.
public struct Container: Sendable {
    public enum State: String, Sendable {
        /// Its init lives.
        case running
        /// Its init is dead, and processes that carry its label live on.
        case ended
    }

    public let reference: SlotReference
    public let id: [UInt8]
    /// The body of the hook's message. Kept as bytes: 4,096 decoded messages would cost three times the memory.
    public internal(set) var message: [UInt8]
    public let process: ProcessIdentity
    /// Nanoseconds since boot when the daemon registered it.
    public let registered: UInt64
    public var state = State.running
    /// A pidfd of the init; -1 once it is dead.
    var descriptor: Int32
    /// False if the init's mount namespace is no longer the one its key names: the key was given to another container.
    var ownsKey = true

    /// Whether `other` is its init, which lives.
    func isRunning(_ other: ProcessIdentity) -> Bool {
        state == .running && process.startTime == other.startTime && process.pid == other.pid
    }

    /// Whether only a scan has told of it so far.
    public var isReplayed: Bool { (try? HookMessage(decoding: message[...], keepsAnnotations: false)).map { $0.sources != 0 } ?? false }

    /// The container's id as text.
    public var name: String { String(decoding: id, as: UTF8.self) }

    /// What the message says, decoded anew each time it is asked for.
    public var workload: WorkloadIdentity {
        guard let decoded = try? HookMessage(decoding: message[...]) else { return WorkloadIdentity() }
        return WorkloadIdentity(decoded)
    }

    /// The annotations that others than the runtime have given it, decoded anew each time: for people.
    public var annotations: [String: String] {
        guard let decoded = try? HookMessage(decoding: message[...]) else { return [:] }
        let others = decoded.annotations.filter { !ContainerRuntime.namesTheWorkload($0.key) }
        let named = others.map { (String(decoding: $0.key, as: UTF8.self), String(decoding: $0.value, as: UTF8.self)) }
        return Dictionary(named.filter { !$0.0.hasPrefix("io.kubernetes.") }) { first, _ in first }
    }

    /// The labels that selectors see, decoded anew each time.
    public var labels: [String: String] { (try? HookMessage(decoding: message[...])).map { ContainerLabels($0).labels } ?? [:] }
}

/// Counters of the registry; each only grows.
public struct RegistryCounters: Equatable, Sendable {
    public var added: UInt64 = 0
    /// Adds of what was registered already.
    public var repeated: UInt64 = 0
    public var removed: UInt64 = 0
    public var removedUnknown: UInt64 = 0
    public var removedStale: UInt64 = 0
    /// Inits whose end was seen before any remove.
    public var endedUnremoved: UInt64 = 0
    /// Keys taken over from a container whose init was dead or had moved to other namespaces.
    public var keysReplaced: UInt64 = 0
    public var refusedGone: UInt64 = 0
    public var refusedHost: UInt64 = 0
    public var refusedShared: UInt64 = 0
    public var refusedFull: UInt64 = 0
    public var refusedKernel: UInt64 = 0
    /// Found pinned and taken over when the daemon started.
    public var adopted: UInt64 = 0
    /// Found pinned and of no use: their init had died, or their record was incomplete.
    public var discarded: UInt64 = 0

    public init() {}
}
