import Client
import Core
import Glibc

/// Prints alerts and logs: what is kept, then what comes, without a gap and without an event twice.
struct MessageFollower {
    let socket: String
    let history: HistoryOptions
    let alerts: Bool
    let logs: Bool
    var printer: MessagePrinter

    /// For so long a feed may take to write down what the daemon has told it. In nanoseconds.
    private static let writingTime: UInt64 = 1_000_000_000
    /// Of events that are kept, and happened no longer before the connection than this, the ids are remembered: they may come over it, too. In nanoseconds,
    /// and at most so many.
    private static let overlap: UInt64 = 5_000_000_000
    private static let overlapLimit = 1 << 19

    /// Where nothing is enforced an event and the alert that the daemon makes of it have one id.
    private var recent: [KubeArmorMessage.Kind: Set<EventID>] = [:]
    private var isOverlapFull = false

    init(_ socket: String, _ history: HistoryOptions, alerts: Bool, logs: Bool, _ printer: MessagePrinter) {
        (self.socket, self.history, self.alerts, self.logs, self.printer) = (socket, history, alerts, logs, printer)
    }

    mutating func run() throws {
        guard history.isWanted else { return try follow(try MessageStream(socket, alerts: alerts, logs: logs)) }
        guard !history.noFollow else { return try readHistory(nil) }
        // First the connection: what happens while the files are read comes over it.
        let stream: Result<MessageStream, PortcullisError>
        do throws(PortcullisError) { stream = .success(try MessageStream(socket, alerts: alerts, logs: logs)) } catch { stream = .failure(error) }
        let connected = LocalNode.sinceBoot
        do { try readHistory(connected) } catch let error as PortcullisError {
            guard case .success = stream else { throw error }
            Output.complain("portcullis: \(error); only what comes from now on is shown")
        }
        guard !printer.isDone else { return }
        try follow(try stream.get())
    }

    private mutating func readHistory(_ connected: UInt64?) throws {
        var files = HistoryFiles(), selection = HistorySelection(from: try history.start())
        func take(_ message: KubeArmorMessage) -> Bool {
            guard message.kind == .alert ? alerts : logs, selection.takes(message) else { return true }
            remember(message, connected)
            printer.print(message)
            return !printer.isDone
        }
        try files.read(history.path, take)
        if let connected, !printer.isDone, history.path != "-" {
            // What the feed had not yet written when the connection was made.
            let age = LocalNode.sinceBoot - connected
            if age < Self.writingTime { usleep(UInt32((Self.writingTime - age) / 1000)) }
            try files.readMore(history.path, take)
        }
        files.end(take)
        if case .event(let event) = try history.start(), !selection.hasSeenBoot {
            Output.complain("portcullis: nothing is kept of the boot \(Output.clean(event.boot)), of which that event is")
        }
    }

    private mutating func remember(_ message: KubeArmorMessage, _ connected: UInt64?) {
        guard let connected, let event = EventID(message.eventID), event.time &+ Self.overlap > connected else { return }
        guard recent[message.kind]?.count ?? 0 < Self.overlapLimit else {
            if !isOverlapFull { Output.complain("portcullis: more than \(Self.overlapLimit) events were kept while the history was read; some may come twice") }
            return isOverlapFull = true
        }
        recent[message.kind, default: []].insert(event)
    }

    private mutating func follow(_ stream: MessageStream) throws {
        var stream = stream
        while !printer.isDone {
            for item in try stream.next() {
                if case .message(let message) = item, !recent.isEmpty, let event = EventID(message.eventID), recent[message.kind]?.remove(event) != nil { continue }
                printer.print(item)
            }
        }
    }
}
