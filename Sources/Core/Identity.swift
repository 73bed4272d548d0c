/// The namespaces that tell one container's processes from another's: {mount, pid}, as inode numbers.
public struct NamespaceKey: Hashable, Sendable {
    public var mount: UInt32
    /// The active pid namespace: the one the process is in, not the one that its children will be in.
    public var pid: UInt32

    public init(mount: UInt32, pid: UInt32) {
        self.mount = mount
        self.pid = pid
    }
}

/// A container's id as a key. The standard hash of `[UInt8]` mixes byte by byte; ids have 64 of them, and every message looks
/// one up.
struct ContainerID: Hashable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}

/// One use of one slot. A slot is used again and again; the generation tells the uses apart.
public struct SlotReference: Hashable, Sendable {
    public var slot: UInt32
    public var generation: UInt32

    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// What the kernel says of a process, read in one go through a pidfd.
public struct ProcessIdentity: Equatable, Sendable {
    public var pid: UInt32
    /// Address of the task in the kernel: the key of its label where labels live in a hash.
    public var task: UInt64
    /// Nanoseconds since boot, suspend included.
    public var startTime: UInt64
    public var key: NamespaceKey
    /// The mount namespace's number that is never reused; 0 on a kernel that has none.
    public var mountSequence: UInt64
    public var userNamespace: UInt32
    /// Effective uid in the initial user namespace.
    public var uid: UInt32
    /// Address of the process's root mount: while it stays the same, the runtime has not pivoted into the container.
    public var rootMount: UInt64
    /// Address of the dentry that is the process's root: of a container past its setup, by which files of other trees are told.
    public var root: UInt64
    /// Its cgroup's id in the unified hierarchy; 0 if that is no cgroup of its own, but the hierarchy's root or its parent's.
    public var cgroup: UInt64
    /// Whether it has run a program since it was forked: runtimes make a container's init by fork, and its first exec is the container's program.
    public var hasExecuted: Bool

    public init(
        pid: UInt32, task: UInt64 = 0, startTime: UInt64, key: NamespaceKey, mountSequence: UInt64, userNamespace: UInt32 = 0,
        uid: UInt32 = 0, rootMount: UInt64 = 0, root: UInt64 = 0, cgroup: UInt64 = 0, hasExecuted: Bool = false
    ) {
        self.pid = pid
        self.task = task
        self.startTime = startTime
        self.key = key
        self.mountSequence = mountSequence
        self.userNamespace = userNamespace
        self.uid = uid
        self.rootMount = rootMount
        self.root = root
        self.cgroup = cgroup
        self.hasExecuted = hasExecuted
    }

    /// The start time as `/proc/<pid>/stat` gives it: clock ticks of 10 ms (USER_HZ is 100 on every architecture Linux still has).
    public var startTicks: UInt64 { startTime / 10_000_000 }
}

/// How far a container is when it is registered.
public enum LabelStage: Equatable, Sendable {
    /// Its hook waits: until its root mount changes, what it does is the runtime's doing.
    case setup
    /// The runtime has made it and waits to be told to start it: until its first exec, what it does is the runtime's doing.
    case created
    /// Its own program runs.
    case started
}

/// Where a slot is in its life.
public enum SlotState: UInt32, Sendable {
    case free = 0
    case active = 1
    case retired = 2
}

/// A slot as the kernel has it.
public struct SlotContent: Equatable, Sendable {
    public var state: SlotState
    public var generation: UInt32
    public var mountSequence: UInt64
    /// Tasks that carry this slot's label.
    public var tasks: Int64

    public init(state: SlotState, generation: UInt32, mountSequence: UInt64, tasks: Int64) {
        self.state = state
        self.generation = generation
        self.mountSequence = mountSequence
        self.tasks = tasks
    }
}
