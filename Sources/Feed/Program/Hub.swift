#if Feed
import Client
import Core
import FeedProtocol
import Glibc
import Logging
import Synchronization

/// What the daemon tells comes in here, is worded once, and goes out to everybody who listens.
final class Hub: Sendable {
    enum Stream: Sendable {
        case alerts, logs, messages

        var kind: KubeArmorMessage.Kind { self == .alerts ? .alert : .log }
    }

    /// What is known of the daemon.
    struct Condition: Sendable {
        var isConnected = false
        var problem = "not connected yet"
        var sender = FeedSender()

        /// Why what is seen here is not all that happens; empty if it is.
        var complaint: String {
            guard isConnected else { return problem }
            return sender.missingPrograms.isEmpty ? "" : "programs are detached: \(sender.missingPrograms.joined(separator: ", "))"
        }
    }

    /// Counters, each only grows.
    struct Counters: Sendable {
        var alerts: UInt64 = 0
        var logs: UInt64 = 0
        /// Records that the daemon could not hand over, because this program was too slow.
        var alertsLost: UInt64 = 0
        var logsLost: UInt64 = 0
        /// Messages that clients were too slow for.
        var dropped: UInt64 = 0
        var malformed: UInt64 = 0
        var unknownContainers: UInt64 = 0
        /// Alerts that a throttle held back.
        var held: UInt64 = 0
        /// Messages that were folded into others.
        var alertsFolded: UInt64 = 0
        var logsFolded: UInt64 = 0

        mutating func add(_ worded: Reading.Worded, _ stream: Stream) {
            if stream == .alerts {
                alerts += worded.records
                alertsLost += worded.lost
                alertsFolded += worded.folded
            } else {
                logs += worded.records
                logsLost += worded.lost
                logsFolded += worded.folded
            }
            malformed += worded.malformed
            unknownContainers += worded.unknown
            held += worded.held
        }
    }

    private struct State {
        var condition = Condition()
        var counters = Counters()
        var subscribers: [Stream: [ObjectIdentifier: Subscription]] = [:]
        /// Why there are no logs; empty if they come.
        var logsProblem = ""
    }

    let options: FeedConfiguration
    private let logger: Logger
    private let state = Mutex(State())
    private let node: FeedTranslator
    let outlets: Outlets
    private let links = Mutex<[Stream: RecordLink]>([:])

    init(_ options: FeedConfiguration, _ logger: Logger) {
        self.options = options
        self.logger = logger
        let node = FeedTranslator(clusterName: options.clusterName, hostName: options.nodeName, nodeID: Node.machineID, bootID: Node.bootID)
        self.node = node
        outlets = Outlets(options, logger) { node.lossNotice($0, $1, nanoseconds: Node.now, why: $2) }
    }

    /// Connects for alerts, which are always read: they tell whether the daemon lives.
    func start() {
        let alerts = RecordLink(options.eventsSocket, .alertRecords, news: { [unowned self] in take($0); broken($0, .alerts) }, handler: reader(.alerts))
        let logs = RecordLink(options.eventsSocket, .eventRecords, news: { [unowned self] in broken($0, .logs) }, handler: reader(.logs))
        links.withLock { $0 = [.alerts: alerts, .logs: logs] }
        alerts.open()
        if outlets.isUsed, options.outlets != "alerts" { logs.open() }
    }

    var condition: Condition { state.withLock { $0.condition } }
    /// With what clients have lost that are still there.
    var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            for subscribers in state.subscribers.values { counters.dropped += subscribers.values.reduce(0) { $0 + $1.totalDropped } }
            return counters
        }
    }
    var clients: [Stream: Int] { state.withLock { $0.subscribers.mapValues(\.count) } }

    // MARK: Clients

    /// For `Seat`: false if there are as many as there may be.
    func admit(_ subscription: Subscription, _ stream: Stream) -> Bool {
        let isAdmitted = state.withLock { state in
            guard state.subscribers.values.reduce(0, { $0 + $1.count }) < Seat.limit else { return false }
            state.subscribers[stream, default: [:]][ObjectIdentifier(subscription)] = subscription
            return true
        }
        if isAdmitted, stream == .logs { links.withLock { $0[.logs] }?.open() }
        return isAdmitted
    }

    /// Waits until the daemon sends what the stream is made of, for as long as that usually takes: who is told that the stream is open misses nothing from then on.
    func isReady(_ stream: Stream) async {
        guard stream != .messages, let link = links.withLock({ $0[stream] }) else { return }
        for _ in 0..<200 where !link.isConnected { try? await Task.sleep(for: .milliseconds(5)) }
    }

    /// For `Seat`. What still waited for the client counts as dropped.
    func leave(_ subscription: Subscription, _ stream: Stream) {
        subscription.close()
        state.withLock { state in
            state.subscribers[stream]?[ObjectIdentifier(subscription)] = nil
            state.counters.dropped += subscription.totalDropped
        }
        if stream == .logs { links.withLock { $0[.logs] }?.close() }
    }

    private func publish(_ stream: Stream, _ messages: [EncodedMessage]) {
        let subscribers = state.withLock { $0.subscribers[stream].map { Array($0.values) } ?? [] }
        for subscriber in subscribers { subscriber.push(messages) }
    }

    // MARK: The daemon

    private func take(_ news: RecordLink.News) {
        let (isChange, text) = state.withLock { state -> (Bool, String) in
            let before = state.condition
            switch news {
            case .connected:
                state.condition.isConnected = true
                return (!before.isConnected, "connected to portcullisd \(state.condition.sender.version)")
            case .interrupted: return (false, "")
            case .gone(let problem):
                state.condition.isConnected = false
                state.condition.problem = problem
                return (before.isConnected || before.problem != problem, problem)
            }
        }
        guard isChange else { return }
        logger.info("\(text)")
        announce(text, isGood: condition.complaint.isEmpty)
    }

    private func take(_ sender: FeedSender) {
        let before = state.withLock { state in
            defer { state.condition.sender = sender }
            return state.condition.sender
        }
        guard before.missingPrograms != sender.missingPrograms else { return }
        guard !sender.missingPrograms.isEmpty else { return announce("all programs are attached again", isGood: true) }
        logger.critical("programs are detached: \(sender.missingPrograms)")
        announce("programs are detached: \(sender.missingPrograms.joined(separator: ", "))", isGood: false)
    }

    /// A stream that was there is interrupted: nobody knows what the daemon had still to tell, and clients and files are told so.
    private func broken(_ news: RecordLink.News, _ stream: Stream) {
        guard case .interrupted = news else { return stream == .logs ? tell(news) : () }
        let notice = node.lossNotice(stream.kind, nil, nanoseconds: Node.now, why: "the connection to the daemon broke")
        if outlets.isUsed, options.outlets != (stream == .alerts ? "logs" : "alerts") { outlets.write([notice]) }
        publish(stream, MessageEncoder().encode([notice]))
    }

    /// Why no logs come although alerts do; of a daemon that is gone its alerts tell.
    private func tell(_ news: RecordLink.News) {
        let problem = if case .gone(let text) = news { text } else { "" }
        let isNew = state.withLock { state in
            // Not told while nobody knows the daemon at all: then it is still to be told.
            defer { if state.condition.isConnected || problem.isEmpty { state.logsProblem = problem } }
            return state.condition.isConnected && !problem.isEmpty && problem != state.logsProblem
        }
        guard isNew else { return }
        logger.warning("no logs: \(problem)")
        announce("no logs: \(problem)", isGood: false)
    }

    /// A message of the feed's own, for those who watch messages.
    func announce(_ text: String, isGood: Bool) { publish(.messages, encoded(text, isGood: isGood)) }

    private func encoded(_ text: String, isGood: Bool) -> [EncodedMessage] {
        var message = Feeder_Message()
        let now = Node.now
        message.timestamp = Int64(now / 1_000_000_000)
        message.updatedTime = Timestamp.text(nanoseconds: now)
        message.clusterName = options.clusterName
        message.hostName = options.nodeName
        message.type = "Feed"
        message.level = isGood ? "INFO" : "WARN"
        message.message = text
        return (try? message.serializedBytes()).map { [EncodedMessage(bytes: $0)] } ?? []
    }

    // MARK: Records

    /// What takes in one link's records; the link's thread alone calls it.
    private func reader(_ stream: Stream) -> RecordLink.Handler {
        let throttle = AlertThrottle(limit: options.throttleAlerts, seconds: options.throttleSeconds)
        let reading = Reading(stream, node, MessageGate(throttle, RepeatFolding(seconds: options.aggregateSeconds)))
        let encoder = MessageEncoder()
        let isKept = outlets.isUsed && options.outlets != (stream == .alerts ? "logs" : "alerts")
        return { [unowned self] arrival in
            if case .records(let records) = arrival {
                for case .sender(let sender) in records { take(sender) }
            }
            let worded = reading.take(arrival, now: LocalNode.sinceBoot, wallClockOffset: Node.wallOffset)
            state.withLock { $0.counters.add(worded, stream) }
            guard !worded.messages.isEmpty else { return reading.nextEnd }
            if isKept { outlets.write(worded.messages) }
            if state.withLock({ $0.subscribers[stream]?.isEmpty == false }) { publish(stream, encoder.encode(worded.messages)) }
            return reading.nextEnd
        }
    }

    /// Tells a client what it has lost.
    func lossNotice(_ stream: Stream, _ count: UInt64) -> [EncodedMessage] {
        let why = "this client reads too slowly"
        guard stream != .messages else { return encoded("\(count) messages were lost: \(why)", isGood: false) }
        return MessageEncoder().encode([node.lossNotice(stream.kind, count, nanoseconds: Node.now, why: why)])
    }
}
#endif
