import CLinux
import Core
import Glibc
import Logging

/// A client of the control socket.
final class ControlClient {
    /// What it is being sent.
    enum Activity {
        case request
        /// Containers from this slot on.
        case listing(next: UInt32)
        /// Events of containers whose id starts so.
        case events(prefix: [UInt8])
        /// Alerts, the same way.
        case alerts(prefix: [UInt8])
        /// Nothing more once the queue is empty.
        case ending
    }

    let socket: Int32
    var activity = Activity.request
    var received: [UInt8] = []
    var queue: [UInt8] = []
    /// Events that the queue had no room for since the client was last told.
    var dropped = 0
    var watchesOutput = false

    init(socket: Int32) { self.socket = socket }
}

/// The control socket: status, containers and events for `portcullis`.
final class ControlServer {
    /// Clients at one time; one more is refused with a reason.
    static let clientLimit = 64
    /// Bytes queued for one client. Beyond it its events are dropped, counted, and the client is told how many.
    static let queueLimit = 4 << 20
    /// A listing is continued when less than this is queued.
    private static let listingChunk = 64 << 10

    let listener: Int32
    private(set) var acceptor: Acceptor
    private(set) var refused: UInt64 = 0
    private(set) var droppedEvents: UInt64 = 0
    private var clients: [Int32: ControlClient] = [:]
    private let poller: Poller
    private let peers: () -> PeerCheck
    private let logger: Logger
    private let status: () -> [UInt8]
    /// The JSON of the container in the first used slot from the given one on, and the slot after it; nil at the end.
    private let nextContainer: (UInt32) -> (json: [UInt8], next: UInt32)?

    init(
        path: String, poller: Poller, logger: Logger, peers: @escaping () -> PeerCheck, status: @escaping () -> [UInt8],
        nextContainer: @escaping (UInt32) -> (json: [UInt8], next: UInt32)?
    ) throws(PortcullisError) {
        self.poller = poller
        self.peers = peers
        self.logger = logger
        self.status = status
        self.nextContainer = nextContainer
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

    func accept() {
        while let socket = acceptor.next() {
            let client = ControlClient(socket: socket)
            if case (.refused(let refusal), let peer) = peers().verdict(on: socket) {
                logger.warning("refused a peer on the control socket: \(refusal.rawValue)", metadata: ["pid": "\(peer.pid)", "uid": "\(peer.uid)"])
                refuse(client, refusal.rawValue)
            } else if clients.count >= Self.clientLimit, !evictUndecided() {
                refuse(client, "\(Self.clientLimit) clients are connected already")
            } else {
                do {
                    try poller.add(socket, PollToken(.controlClient, UInt64(socket)))
                    clients[socket] = client
                } catch { close(socket) }
            }
        }
    }

    /// Makes room by closing a client that has asked for nothing yet. False if all are being served.
    private func evictUndecided() -> Bool {
        for client in clients.values {
            guard case .request = client.activity else { continue }
            drop(client.socket)
            return true
        }
        return false
    }

    private func refuse(_ client: ControlClient, _ reason: String) {
        refused += 1
        client.queue = ControlProtocol.answer(.failed, Array(reason.utf8))
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
            if case .request = client.activity {
                client.received.append(contentsOf: buffer[..<count])
                takeRequest(client)
            }
        }
        advance(client)
    }

    private func takeRequest(_ client: ControlClient) {
        let bytes = client.received
        guard bytes.count >= 4 else { return }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
        guard length <= ControlProtocol.requestLimit else { return fail(client, "the request is too long") }
        guard bytes.count >= 4 + length else { return }
        client.received = []
        guard let (second, text) = ControlProtocol.parts(bytes[4..<(4 + length)]) else {
            return fail(client, "this daemon speaks version \(ControlProtocol.version) of the control protocol")
        }
        switch ControlProtocol.Command(rawValue: second) {
        case .status:
            client.queue += ControlProtocol.answer(.item, status()) + ControlProtocol.answer(.end)
            client.activity = .ending
        case .containers:
            client.activity = .listing(next: 0)
        case .events:
            client.activity = .events(prefix: Array(text))
            subscribers += 1
        case .alerts:
            client.activity = .alerts(prefix: Array(text))
            alertSubscribers += 1
        case .policies, .applyPolicies, .deletePolicy:
            fail(client, "not done here yet")
        case nil:
            fail(client, "unknown command \(second)")
        }
    }

    private func fail(_ client: ControlClient, _ reason: String) {
        client.queue += ControlProtocol.answer(.failed, Array(reason.utf8))
        client.activity = .ending
    }

    /// Sends, continues a listing, and closes what is done.
    private func advance(_ client: ControlClient) {
        while true {
            if case .listing(var next) = client.activity {
                while client.queue.count < Self.listingChunk {
                    guard let container = nextContainer(next) else {
                        client.queue += ControlProtocol.answer(.end)
                        client.activity = .ending
                        break
                    }
                    client.queue += ControlProtocol.answer(.item, container.json)
                    next = container.next
                    client.activity = .listing(next: next)
                }
            }
            guard send(client) else { return drop(client.socket) }
            if !client.queue.isEmpty { break }
            switch client.activity {
            case .ending: return drop(client.socket)
            case .listing: continue
            case .request, .events, .alerts: break
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
        while sent < client.queue.count {
            let count = client.queue.withUnsafeBytes {
                Glibc.send(client.socket, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
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
            if client.queue.count + made.count > Self.queueLimit {
                client.dropped += 1
                droppedEvents += 1
            } else {
                if client.dropped > 0 {
                    client.queue += ControlProtocol.answer(.item, Array("{\"type\":\"lost\",\"count\":\(client.dropped)}".utf8))
                    client.dropped = 0
                }
                client.queue += made
            }
        }
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
        clients[socket] = nil
        close(socket)
    }

    func close(path: String) {
        Glibc.close(listener)
        unlink(path)
        for socket in clients.keys { Glibc.close(socket) }
        clients = [:]
    }

    private func close(_ socket: Int32) { _ = Glibc.close(socket) }
}
