/// What workloads did, counted: who started what, which files, connections and binds, and what became of it.
///
/// An act that a policy reports is an alert, and where telemetry sees it a log too. Both are counted, and a row says of each outcome the larger
/// number, so that nothing counts twice and a stream that is missing takes nothing away.
public struct WorkloadSummary: Sendable {
    /// Rows of all workloads together. Beyond it what is in no row yet is only counted, in `beyondLimit`.
    public static let rowLimit = 65_536

    public enum Section: String, CaseIterable, Sendable { case processes, files, outgoing, incoming, binds, sockets, others }

    /// A container of a pod, whatever its id is this time; or a container that is in no pod. All empty: the host.
    public struct Workload: Hashable, Sendable {
        public var namespace = ""
        public var pod = ""
        public var container = ""
    }

    public enum Status: String, CaseIterable, Sendable {
        case allowed = "Allow", audited = "Audit", denied = "Deny"
        /// It came to nothing, and no policy was to blame.
        case failed = "Fail"
    }

    public struct Row: Equatable, Sendable {
        /// Who did it.
        public var source: String
        /// What was executed or opened, an address, or what else it was about.
        public var target: String
        public var port: String
        public var protocolName: String
        public var count: UInt64
        public var lastSeen: String
        public var status: Status
    }

    private struct Key: Hashable {
        var section: Section
        var source: String
        var target: String
        var port = ""
        var protocolName = ""
    }

    private struct Counts {
        var passed: UInt64 = 0, refused: UInt64 = 0, failed: UInt64 = 0
        var audited: UInt64 = 0, blocked: UInt64 = 0
        /// By status, when it was last.
        var lastSeen: [Status: String] = [:]

        subscript(status: Status) -> UInt64 {
            switch status {
            case .allowed: passed > audited ? passed - audited : 0
            case .audited: audited
            case .denied: max(refused, blocked)
            case .failed: failed
            }
        }
    }

    private struct Entry {
        var image = ""
        var labels = ""
        var containerID = ""
        var rows: [Key: Counts] = [:]
    }

    private var entries: [Workload: Entry] = [:]
    private let limit: Int
    private var rowCount = 0
    /// Messages that would have needed a row too many.
    public private(set) var beyondLimit: UInt64 = 0
    /// Messages that the history says are missing.
    public private(set) var lost: UInt64 = 0
    /// Alerts that a throttle held back.
    public private(set) var held: UInt64 = 0
    /// Messages that are in some row, repeats that were folded into one among them.
    public private(set) var counted: UInt64 = 0

    public init(rowLimit: Int = Self.rowLimit) { limit = rowLimit }

    /// Counts a message; words about messages that are missing are no acts.
    public mutating func take(_ message: KubeArmorMessage) {
        if message.isLossNotice { return lost += message.datum("Lost").flatMap { UInt64($0) } ?? 0 }
        if message.isThresholdNotice { return held += message.heldCount ?? 0 }
        guard let key = Self.key(message) else { return }
        let times = message.repeatCount
        let workload = Self.workload(message.workload)
        if entries[workload]?.rows[key] == nil {
            guard rowCount < limit else { return beyondLimit += times }
            rowCount += 1
        }
        counted += times
        var entry = entries[workload].take() ?? Entry()
        if !message.workload.image.isEmpty { entry.image = message.workload.image }
        if !message.workload.labels.isEmpty { entry.labels = message.workload.labels }
        entry.containerID = message.workload.containerID
        Self.count(message, times, &entry.rows[key, default: Counts()])
        entries[workload] = entry
    }

    private static func count(_ message: KubeArmorMessage, _ times: UInt64, _ counts: inout Counts) {
        let status: Status
        if message.kind == .alert {
            status = message.action == "Block" ? .denied : .audited
            if status == .denied { counts.blocked += times } else { counts.audited += times }
        } else {
            status = message.hasPassed ? .allowed : message.isDenied ? .denied : .failed
            switch status {
            case .allowed: counts.passed += times
            case .denied: counts.refused += times
            default: counts.failed += times
            }
        }
        // Times are all of one form, so that their texts are in their order.
        counts.lastSeen[status] = max(counts.lastSeen[status] ?? "", message.updatedTime)
    }

    private static func workload(_ of: FeedWorkload) -> Workload {
        guard !of.containerID.isEmpty else { return Workload() }
        return Workload(namespace: of.namespace, pod: of.pod, container: of.pod.isEmpty || of.containerName.isEmpty ? of.containerID : of.containerName)
    }

    /// Nil for what is no act, as the end of a process.
    private static func key(_ message: KubeArmorMessage) -> Key? {
        switch message.operation {
        case "Process":
            if message.datum("Tracepoint") == "sched_process_exit" { return nil }
            return Key(section: .processes, source: message.parentProcessName, target: message.processName.isEmpty ? message.resource : message.processName)
        case "File": return Key(section: .files, source: message.processName, target: message.resource)
        case "Network":
            let act = NetworkAct(message)
            let section: Section = switch act.kind {
            case .outgoing: .outgoing
            case .incoming: .incoming
            case .bind: .binds
            case .socket: .sockets
            }
            return Key(section: section, source: message.processName, target: act.address, port: act.port, protocolName: act.protocolName)
        default: return Key(section: .others, source: message.processName, target: "\(message.operation) \(message.resource)")
        }
    }

    // MARK: What came of it

    /// In the order of their names, the host first.
    public var workloads: [Workload] { entries.keys.sorted { ($0.namespace, $0.pod, $0.container) < ($1.namespace, $1.pod, $1.container) } }

    public func image(of workload: Workload) -> String { entries[workload]?.image ?? "" }
    public func labels(of workload: Workload) -> String { entries[workload]?.labels ?? "" }
    /// The last that it had.
    public func containerID(of workload: Workload) -> String { entries[workload]?.containerID ?? "" }

    /// One row for each outcome that there was, by source and target.
    public func rows(of workload: Workload, _ section: Section) -> [Row] {
        let counts = (entries[workload]?.rows ?? [:]).filter { $0.key.section == section }
        let rows = counts.flatMap { key, counts in
            Status.allCases.filter { counts[$0] > 0 }.map { status in
                Row(
                    source: key.source, target: key.target, port: key.port, protocolName: key.protocolName, count: counts[status],
                    lastSeen: counts.lastSeen[status] ?? "", status: status)
            }
        }
        return rows.sorted { ($0.source, $0.target, $0.port, $0.protocolName, $0.status.rawValue) < ($1.source, $1.target, $1.port, $1.protocolName, $1.status.rawValue) }
    }
}
