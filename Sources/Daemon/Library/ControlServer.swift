import CLinux
import Core
import Glibc
import Logging

/// The control socket: what `portcullis` asks for.
final class ControlServer {
    /// Clients at one time; one more is refused with a reason.
    static let clientLimit = 64
    /// Of those who may only read: they cannot take root's places.
    static let readerLimit = 16
    /// Bytes queued for one client. Beyond it its events are dropped, counted, and the client is told how many.
    static let queueLimit = 4 << 20
    /// A listing is continued when less than this is queued.
    private static let listingChunk = 64 << 10
    /// Bytes of unfinished requests, of all clients together. Beyond it the client that has been silent longest is closed.
    static let requestsLimit = 32 << 20

    let listener: Int32
    private(set) var acceptor: Acceptor
    private(set) var refused: UInt64 = 0
    /// Let in from containers of `agent-namespace`, on both sockets.
    private(set) var ofAgent: UInt64 = 0
    private(set) var droppedEvents: UInt64 = 0
    var droppedRecords: UInt64 = 0
    private(set) var clients: [Int32: ControlClient] = [:]
    private let poller: Poller
    private let peers: () -> PeerCheck
    private let logger: Logger
    let answers: ControlAnswers
    /// Of those who may only read; nil where there is none.
    private let events: EventsListener?
    private var heard: UInt64 = 0
    /// Bytes in `received` of all clients.
    private var requestBytes = 0

    init(
        path: String, events: EventsListener?, poller: Poller, logger: Logger, peers: @escaping () -> PeerCheck, answers: ControlAnswers
    ) throws(PortcullisError) {
        self.events = events
        self.poller = poller
        self.peers = peers
        self.logger = logger
        self.answers = answers
        listener = try RuntimeDirectory.listen(path)
        acceptor = Acceptor(listener)
        try poller.add(listener: listener, PollToken(.controlListener))
    }

    /// True if anyone wants events; nothing is decoded otherwise.
    var hasSubscribers: Bool { subscribers > 0 }
    private var subscribers = 0
    /// The same of alerts.
    var hasAlertSubscribers: Bool { alertSubscribers > 0 }
    private var alertSubscribers = 0
    /// Readers of records.
    private(set) var eventRecordReaders: [ControlClient] = []
    private(set) var alertRecordReaders: [ControlClient] = []

    func accept() { while let socket = acceptor.next() { accept(socket, group: nil) } }

    /// Takes those in who may only read.
    func acceptReaders() { while let events, let socket = events.next() { accept(socket, group: events.group) } }

    private func accept(_ socket: Int32, group: UInt32?) {
        let client = ControlClient(socket: socket, isReader: group != nil)
        note(client)
        let (verdict, peer) = peers().verdict(on: socket, group: group)
        if case .allowed(_, ofAgent: true) = verdict { ofAgent += 1 }
        if case .refused(let refusal) = verdict {
            logger.warning("refused a peer on the \(group == nil ? "control" : "events") socket: \(refusal.rawValue)", metadata: ["pid": "\(peer.pid)", "uid": "\(peer.uid)"])
            refuse(client, refusal.rawValue)
        } else if let limit = isFull(client), !evictUndecided(isReader: client.isReader) {
            refuse(client, "\(limit) clients are connected already")
        } else {
            do {
                try poller.add(socket, PollToken(.controlClient, UInt64(socket)))
                clients[socket] = client
            } catch { close(socket) }
        }
    }

    /// How many there may be of such clients, if there are as many.
    private func isFull(_ client: ControlClient) -> Int? {
        let limit = client.isReader ? Self.readerLimit : Self.clientLimit
        return clients.values.count { $0.isReader == client.isReader } >= limit ? limit : nil
    }

    /// Makes room by closing the client that has not asked for anything yet and has been silent longest. False if all are being served.
    private func evictUndecided(isReader: Bool? = nil) -> Bool {
        guard let client = clients.values.filter({ $0.isAsking && (isReader == nil || $0.isReader == isReader) }).min(by: { $0.lastHeard < $1.lastHeard }) else { return false }
        drop(client.socket)
        return true
    }

    private func note(_ client: ControlClient) {
        heard += 1
        client.lastHeard = heard
    }

    private func refuse(_ client: ControlClient, _ reason: String) {
        refused += 1
        client.queue += ControlProtocol.answer(.failed, Array(reason.utf8))
        _ = send(client)
        close(client.socket)
    }

    /// A client can be read from or written to.
    func serve(_ socket: Int32) {
        guard let client = clients[socket] else { return }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return drop(socket) }
        if count > 0 {
            // One request for a connection: what a client sends after it is of no use.
            if client.isAsking {
                note(client)
                client.received.append(contentsOf: buffer[..<count])
                requestBytes += count
                takeRequest(client)
                // Never the one that was just heard, unless it is alone, and then it is within its own limit.
                while requestBytes > Self.requestsLimit, evictUndecided() {}
            }
        }
        advance(client)
    }

    private func takeRequest(_ client: ControlClient) {
        guard client.received.count >= 4 else { return }
        let length = (0..<4).reduce(0) { $0 | Int(client.received[$1]) << ($1 * 8) }
        guard length <= ControlProtocol.requestLimit else { return fail(client, "the request is too long") }
        guard client.received.count >= 4 + length else { return }
        let bytes = client.received
        forgetRequest(client)
        guard let (second, text) = ControlProtocol.parts(bytes[4..<(4 + length)]) else {
            return fail(client, "this daemon speaks version \(ControlProtocol.version) of the control protocol")
        }
        guard let command = ControlProtocol.Command(rawValue: second) else { return fail(client, "unknown command \(second)") }
        guard !client.isReader || command.right == .read || (command.right == .changePolicies && answers.readersChangePolicies()) else {
            return fail(client, "this socket is for reading only")
        }
        answer(client, command, text)
    }

    private func answer(_ client: ControlClient, _ command: ControlProtocol.Command, _ text: ArraySlice<UInt8>) {
        switch command {
        case .status: finish(client, answers.status())
        case .containers: client.activity = .listing(answers.containers())
        case .events:
            client.activity = .events(prefix: Array(text))
            subscribers += 1
        case .alerts:
            client.activity = .alerts(prefix: Array(text))
            alertSubscribers += 1
        case .eventRecords:
            begin(client, records: .events)
            eventRecordReaders.append(client)
        case .alertRecords:
            begin(client, records: .alerts)
            alertRecordReaders.append(client)
        case .policies:
            guard let listing = answers.policies(String(decoding: text, as: UTF8.self)) else { return fail(client, "there is no such policy") }
            client.activity = .listing(listing)
        case .applyPolicies, .forcePolicies:
            guard let submission = PolicySubmission(decoding: text) else { return fail(client, "the request holds no policies") }
            finish(client, answers.apply(submission, command == .forcePolicies))
        case .pause:
            do throws(PortcullisError) { finish(client, try answers.pause(String(decoding: text, as: UTF8.self))) } catch {
                fail(client, error.description)
            }
        case .unlock:
            do throws(PortcullisError) { finish(client, try answers.unlock(String(decoding: text, as: UTF8.self))) } catch {
                fail(client, error.description)
            }
        case .stop:
            client.activity = .stopping
            answers.stop()
        case .deletePolicy:
            do throws(PortcullisError) { finish(client, try answers.delete(String(decoding: text, as: UTF8.self))) } catch {
                fail(client, error.description)
            }
        }
    }

    private func finish(_ client: ControlClient, _ item: [UInt8]) {
        client.queue += ControlProtocol.answer(.item, item)
        client.queue += ControlProtocol.answer(.end)
        client.activity = .ending
    }

    private func forgetRequest(_ client: ControlClient) {
        requestBytes -= client.received.count
        client.received = []
    }

    private func fail(_ client: ControlClient, _ reason: String) {
        forgetRequest(client)
        client.queue += ControlProtocol.answer(.failed, Array(reason.utf8))
        client.activity = .ending
    }

    /// Sends, continues a listing, and closes what is done.
    private func advance(_ client: ControlClient) {
        while true {
            if case .listing(let next) = client.activity {
                while client.queue.count < Self.listingChunk {
                    guard let item = next() else {
                        client.queue += ControlProtocol.answer(.end)
                        client.activity = .ending
                        break
                    }
                    client.queue += ControlProtocol.answer(.item, item)
                }
            }
            guard send(client) else { return drop(client.socket) }
            let isTelling = client.dropped > 0
            tellDropped(client)
            if isTelling, client.dropped == 0 { continue }
            if !client.queue.isEmpty { break }
            switch client.activity {
            case .ending: return drop(client.socket)
            case .listing: continue
            case .request, .events, .alerts, .records, .stopping: break
            }
            break
        }
        let wantsOutput = !client.queue.isEmpty
        if wantsOutput != client.watchesOutput {
            client.watchesOutput = wantsOutput
            do { try poller.change(client.socket, PollToken(.controlClient, UInt64(client.socket)), output: wantsOutput) } catch {
                return drop(client.socket)
            }
        }
    }

    /// Sends what the socket takes; false if the client is gone.
    private func send(_ client: ControlClient) -> Bool {
        var sent = 0
        defer { client.queue.removeFirst(sent) }
        let waiting = client.queue.count
        while sent < waiting {
            let count = client.queue.withUnsafeBytes {
                Glibc.send(client.socket, $0.baseAddress.map { $0 + sent }, waiting - sent, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return errno == EAGAIN }
            sent += count
        }
        return true
    }

    // MARK: Events

    /// Queues an event for those who want it. `json` is made at most once, and only if someone does.
    func publish(containerID: [UInt8], _ json: () -> [UInt8]) {
        publish(containerID, json) { if case .events(let prefix) = $0 { prefix } else { nil } }
    }

    func publish(alertOf containerID: [UInt8], _ json: () -> [UInt8]) {
        publish(containerID, json) { if case .alerts(let prefix) = $0 { prefix } else { nil } }
    }

    private func publish(_ containerID: [UInt8], _ json: () -> [UInt8], _ prefix: (ControlClient.Activity) -> [UInt8]?) {
        var frame: [UInt8]?
        for socket in Array(clients.keys) {
            guard let client = clients[socket], let prefix = prefix(client.activity), containerID.starts(with: prefix) else { continue }
            let made = frame ?? ControlProtocol.answer(.item, json())
            frame = made
            // Nothing goes past a gap: it is told first, when there is room.
            if client.dropped > 0 || client.queue.count + made.count > Self.queueLimit {
                client.dropped += 1
                droppedEvents += 1
            } else {
                client.queue += made
            }
        }
    }

    /// Says what a reader was too slow for, as soon as most of what waited has gone: no later event may come to say it with.
    private func tellDropped(_ client: ControlClient) {
        guard client.dropped > 0, client.queue.count < client.queueLimit / 2 else { return }
        if case .records = client.activity {
            append(FeedRecord.encode(lost: UInt64(client.dropped)), to: client)
        } else {
            client.queue += ControlProtocol.answer(.item, Array("{\"type\":\"lost\",\"count\":\(client.dropped)}".utf8))
        }
        client.dropped = 0
    }

    /// Sends what `publish` queued; called once for a batch of events.
    func flush() {
        for socket in Array(clients.keys) {
            guard let client = clients[socket], !client.queue.isEmpty, !client.watchesOutput else { continue }
            advance(client)
        }
    }

    private func drop(_ socket: Int32) {
        if case .events = clients[socket]?.activity { subscribers -= 1 }
        if case .alerts = clients[socket]?.activity { alertSubscribers -= 1 }
        eventRecordReaders.removeAll { $0.socket == socket }
        alertRecordReaders.removeAll { $0.socket == socket }
        if let client = clients[socket] { forgetRequest(client) }
        clients[socket] = nil
        close(socket)
    }

    func close(path: String) {
        Glibc.close(listener)
        unlink(path)
        events?.close()
        for socket in clients.keys { Glibc.close(socket) }
        clients = [:]
    }

    private func close(_ socket: Int32) { _ = Glibc.close(socket) }
}
