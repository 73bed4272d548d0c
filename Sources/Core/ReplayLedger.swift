import HookWire

/// What is known of the containers that were there before the daemon: whether a scan is still to come, what it found, and which removes wait for it.
///
/// A remove of an id that nobody knows may be about a container that a scan is just about to tell of. It waits until the first scan has ended, and is then
/// carried out in its turn; what is removed before its add is found gone by that add, since its init is dead.
public struct ReplayLedger: Sendable {
    public enum State: String, CaseIterable, Sendable {
        /// No scan is wanted.
        case off
        /// A scan is to come, and has not begun.
        case expected
        case scanning
        case done
        /// No scan has come to its end; why is in `failure`.
        case failed
    }

    /// A remove that waits.
    public struct WaitingRemove: Equatable, Sendable {
        public let id: [UInt8]
        /// Who is to be answered; nil for nobody, as of a spooled message.
        public let peer: UInt64?
    }

    /// Removes that wait at one time. One more is carried out at once, and counted: its container, if it runs, is seen to end all the same.
    public static let waitingLimit = 4096

    public private(set) var state: State
    public private(set) var failure = ""
    /// Scans that have come to their end.
    public private(set) var scans: UInt64 = 0
    /// What the last scan could not read.
    public private(set) var problems: [String] = []
    public private(set) var registered: UInt64 = 0
    public private(set) var repeated: UInt64 = 0
    public private(set) var refused: UInt64 = 0
    /// Removes that waited, and those for which there was no room.
    public private(set) var held: UInt64 = 0
    public private(set) var notHeld: UInt64 = 0
    /// Containers by where they were found; one that was found in several places counts in each.
    public private(set) var bySource: [ReplaySources: UInt64] = [:]
    private var waiting: [WaitingRemove] = []
    private var counted: Set<[UInt8]> = []

    public init(isExpected: Bool) { state = isExpected ? .expected : .off }

    /// Whether the first scan has not ended yet.
    public var isOpen: Bool { state == .expected || (state == .scanning && scans == 0) }

    public var waitingCount: Int { waiting.count }

    /// A scan begins; also one that nobody expected.
    public mutating func begin() {
        state = .scanning
        problems = []
        counted = []
    }

    /// One container of a scan, and what came of it.
    public mutating func note(_ message: HookMessage, _ code: HookAnswer.Code, isNew: Bool) {
        if isNew { registered += 1 } else if code.accepted { repeated += 1 } else { refused += 1 }
        // Scans are made again and again, and find the same: only the first one's places are counted.
        guard scans == 0, counted.insert(message.containerID).inserted else { return }
        let sources = ReplaySources(rawValue: message.sources)
        for (source, _) in ReplaySources.named where sources.contains(source) { bySource[source, default: 0] += 1 }
    }

    /// Has a remove wait. False if there is no need or no room for it.
    public mutating func hold(_ id: [UInt8], peer: UInt64?, isKnown: Bool) -> Bool {
        guard isOpen, !isKnown else { return false }
        guard waiting.count < Self.waitingLimit else {
            notHeld += 1
            return false
        }
        held += 1
        waiting.append(WaitingRemove(id: id, peer: peer))
        return true
    }

    /// A scan has come to its end. Returns the removes that waited, in their order.
    public mutating func end(problems: [String]) -> [WaitingRemove] {
        self.problems = problems
        scans += 1
        state = .done
        return release()
    }

    /// No scan comes to an end any more, or not in time. One that has failed after another has ended changes what is known by nothing.
    public mutating func fail(_ reason: String) -> [WaitingRemove] {
        guard state == .expected || state == .scanning else { return [] }
        failure = reason
        state = scans == 0 ? .failed : .done
        return release()
    }

    private mutating func release() -> [WaitingRemove] {
        defer { waiting = [] }
        return waiting
    }
}
