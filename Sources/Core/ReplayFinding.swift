import HookWire

/// A running container that a scan has found, and how far it is to be believed.
public struct ReplayFinding: Equatable, Sendable {
    /// What the finding rests on; the higher one's word counts where two speak of one process.
    public enum Weight: Int, Comparable, Sendable {
        /// Its processes' cgroup has the id in its name, and nothing else is known.
        case cgroup
        /// A file names the pid without saying when that process began; the process's cgroup or parent bears it out.
        case file
        /// The runtime's own state, with the start time of the init.
        case state

        public static func < (left: Weight, right: Weight) -> Bool { left.rawValue < right.rawValue }
    }

    public var weight: Weight
    public var message: HookMessage

    public init(weight: Weight, message: HookMessage) {
        self.weight = weight
        self.message = message
    }
}

/// What all places of a machine say together: one finding for each process.
public struct ReplayFindings: Sendable {
    private var byProcess: [UInt32: ReplayFinding] = [:]
    private var ids: Set<[UInt8]> = []

    public init() {}

    /// Takes in what one place says. What outweighs an earlier word replaces it; what is only said there is kept.
    public mutating func insert(_ finding: ReplayFinding) {
        ids.insert(finding.message.containerID)
        guard let known = byProcess[finding.message.pid] else {
            byProcess[finding.message.pid] = finding
            return
        }
        var (stronger, weaker) = known.weight < finding.weight ? (finding, known) : (known, finding)
        stronger.message.sources |= weaker.message.sources
        if stronger.message.containerID == weaker.message.containerID { stronger.message.complete(from: weaker.message) }
        byProcess[finding.message.pid] = stronger
    }

    /// In the order of their inits' start, so that an outer container comes before one inside it.
    public var all: [ReplayFinding] {
        byProcess.values.sorted { ($0.message.startTime, $0.message.pid) < ($1.message.startTime, $1.message.pid) }
    }

    public func contains(_ pid: UInt32) -> Bool { byProcess[pid] != nil }
    public func contains(id: [UInt8]) -> Bool { ids.contains(id) }
}

extension HookMessage {
    /// Takes over what only the other one says.
    fileprivate mutating func complete(from other: HookMessage) {
        if bundle.isEmpty { bundle = other.bundle }
        if annotations.isEmpty { annotations = other.annotations }
        if argument0.isEmpty { argument0 = other.argument0 }
        if rootfs.isEmpty { rootfs = other.rootfs }
        if apparmorProfile.isEmpty { apparmorProfile = other.apparmorProfile }
        if cgroupPath.isEmpty { cgroupPath = other.cgroupPath }
    }
}
