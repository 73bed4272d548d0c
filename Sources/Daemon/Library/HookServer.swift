import CLinux
import Core
import Glibc
import HookWire
import Kernel
import Logging

/// Counters of the hook socket; each only grows.
struct HookCounters {
    var connections: UInt64 = 0
    var frames: UInt64 = 0
    var malformed: UInt64 = 0
    var tooLong: UInt64 = 0
    /// Closed in the middle of a frame.
    var cut: UInt64 = 0
    /// Closed by us: silent for `HookServer.patience`.
    var silent: UInt64 = 0
    /// Closed by us to make room at `HookServer.connectionLimit`.
    var evicted: UInt64 = 0
    /// Closed by us or the peer with an answer unsent.
    var unread: UInt64 = 0
    var foreignMounts: UInt64 = 0
    /// Let in from containers of `agent-namespace`.
    var ofAgent: UInt64 = 0
    var refused: [PeerCheck.Refusal: UInt64] = [:]
}

/// What the hook socket's frames come to.
struct HookHandlers {
    /// Acts on one valid message.
    let handle: (HookMessage, ArraySlice<UInt8>, () -> Bool) -> HookAnswer
    /// Whether the remove of this id has to wait; the number is what it will be answered by.
    let hold: ([UInt8], UInt64) -> Bool
    let mark: (ReplayMark) -> HookAnswer
    /// A hook could not register its container, and says so.
    let report: (HookReport) -> Void
    /// A connection was closed between the marks of a scan.
    let brokenOff: () -> Void
}

/// The hook socket: checks who connects, reads frames, has the registry act on them, answers.
final class HookServer {
    /// Connections at one time. At the bound the one that has been silent for longest is closed and counted.
    static let connectionLimit = 1024
    /// Nanoseconds a connection may stay silent or unfinished: a hook's largest deadline.
    static let patience: UInt64 = 10_000_000_000

    /// Nanoseconds for which the daemon stays awake for the frame of a hook that has just connected. Hooks connect before they
    /// read their bundle; being woken twice would add to each container's start what a sleeping processor takes to get up.
    static let expectation: UInt64 = 200_000

    let listener: Int32
    private(set) var acceptor: Acceptor
    /// Until when a frame is expected, on the monotonic clock; 0 if none is.
    private(set) var awakeUntil: UInt64 = 0
    private(set) var counters = HookCounters()
    /// From the arrival of a frame's last byte to its answer's being sent.
    private(set) var answerTimes: [HookAnswer.Code: LatencyHistogram] = [:]
    var peers: PeerCheck
    private var connections: [Int32: HookConnection] = [:]
    /// Accepted in this round and not yet watched; see `settle`.
    private var unwatched: [Int32] = []
    private let poller: Poller
    private let logger: Logger
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    private let handlers: HookHandlers
    /// Connections whose remove waits, by the number that it waits under.
    private var held: [UInt64: Int32] = [:]
    private var lastHeld: UInt64 = 0

    init(path: String, poller: Poller, peers: PeerCheck, logger: Logger, handlers: HookHandlers) throws(PortcullisError) {
        self.poller = poller
        self.peers = peers
        self.logger = logger
        self.handlers = handlers
        listener = try RuntimeDirectory.listen(path)
        acceptor = Acceptor(listener)
        try poller.add(listener: listener, PollToken(.hookListener))
    }

    /// When the next silent connection must go; nil if there is none.
    var nextDeadline: UInt64? { connections.isEmpty ? nil : connections.values.map(\.deadline).min() }

    /// Takes connections that wait. A bounded number, so that a flood of them does not starve what is open.
    func accept() {
        for _ in 0..<64 {
            guard let socket = acceptor.next() else { return }
            counters.connections += 1
            welcome(socket)
        }
        do { try poller.remind(listener: listener, PollToken(.hookListener)) } catch { logger.error("the hook socket: \(error)") }
    }

    private func welcome(_ socket: Int32) {
        let (verdict, peer) = peers.verdict(on: socket)
        switch verdict {
        case .refused(let refusal):
            counters.refused[refusal, default: 0] += 1
            logger.warning("refused a peer on the hook socket: \(refusal.rawValue)", metadata: ["pid": "\(peer.pid)", "uid": "\(peer.uid)"])
            let answer = HookAnswer(code: .peerNotAllowed, abi: abiVersion, reason: Array(refusal.rawValue.utf8))
            var connection = HookConnection(socket: socket, now: 0, patience: 0)
            _ = connection.send(answer.encoded())
            // Closing with unread input would reset the connection and take the answer with it; the peer reads it first.
            shutdown(socket, Int32(SHUT_WR))
            _ = connection.read(into: &buffer)
            close(socket)
            return
        case .allowed(let foreignMounts, let ofAgent):
            if foreignMounts { counters.foreignMounts += 1 }
            if ofAgent { counters.ofAgent += 1 }
        }
        if connections.count >= Self.connectionLimit { evictOldest() }
        connections[socket] = HookConnection(socket: socket, now: Clocks.monotonic, patience: Self.patience)
        if serve(socket) { unwatched.append(socket) }
    }

    /// Watches the connections that are still open at the end of a round. A hook closes as soon as it has its answer, so that
    /// most are gone by then and were never watched.
    func settle() {
        for socket in unwatched where serve(socket) {
            // A number may stand here twice: its first connection was closed in this round and another one got it.
            guard var connection = connections[socket], !connection.isWatched else { continue }
            connection.isWatched = true
            connections[socket] = connection
            if connection.frames == 0 { awakeUntil = Clocks.monotonic + Self.expectation }
            do { try poller.add(socket, PollToken(.hookPeer, UInt64(socket))) } catch { drop(socket) }
        }
        unwatched.removeAll(keepingCapacity: true)
    }

    /// Reads and answers on one connection. False if it is closed now.
    @discardableResult
    func serve(_ socket: Int32) -> Bool {
        guard var connection = connections.removeValue(forKey: socket) else { return false }
        let reading = connection.read(into: &buffer), arrived = Clocks.monotonic
        while true {
            // What it asked for first comes first. Whoever does not wait for that any longer has written it into the spool.
            guard connection.heldAs == 0 else {
                guard reading == .later else {
                    held[connection.heldAs] = nil
                    end(connection)
                    return false
                }
                connections[socket] = connection
                return true
            }
            switch connection.front {
            case .incomplete:
                guard reading == .later else {
                    if !connection.received.isEmpty { counters.cut += 1 }
                    end(connection)
                    return false
                }
                connections[socket] = connection
                return true
            case .tooLong(let length):
                counters.tooLong += 1
                logger.warning("a hook's frame is too long", metadata: ["bytes": "\(length)", "limit": "\(Frame.bodyLimit)"])
                _ = connection.send(answer(.malformed, "the frame has \(length) bytes, the limit is \(Frame.bodyLimit)").encoded())
                end(connection)
                return false
            case .frame(let range):
                awakeUntil = 0
                counters.frames += 1
                switch answer(to: connection.received[range], on: &connection) {
                case .later:
                    connection.heldSince = arrived
                    continue
                case .none: connection.received.removeFirst(range.upperBound)
                case .send(let answer): guard finish(&connection, range.upperBound, answer, arrived: arrived) else { return false }
                }
            }
        }
    }

    /// Sends the answer to the frame at the front, which ends at `end`. False if the peer does not take it, and is closed.
    private func finish(_ connection: inout HookConnection, _ frameEnd: Int, _ answer: HookAnswer, arrived: UInt64) -> Bool {
        let isSent = connection.send(answer.encoded()), now = Clocks.monotonic
        answerTimes[answer.code, default: LatencyHistogram()].add(nanoseconds: now &- arrived)
        guard isSent else {
            counters.unread += 1
            end(connection)
            return false
        }
        connection.received.removeFirst(frameEnd)
        connection.frames += 1
        connection.deadline = now + Self.patience
        return true
    }

    private enum Reply {
        case send(HookAnswer)
        /// Nobody waits for one.
        case none
        /// It is a remove that waits.
        case later
    }

    private func answer(to body: ArraySlice<UInt8>, on connection: inout HookConnection) -> Reply {
        do throws(FrameError) {
            if let mark = try ReplayMark(decoding: body) {
                connection.isReplaying = mark == .begin
                return .send(handlers.mark(mark))
            }
            if let report = try HookReport(decoding: body) {
                handlers.report(report)
                return .none
            }
            let message = try HookMessage(decoding: body, keepsAnnotations: false), socket = connection.socket
            if message.operation == .remove, handlers.hold(message.containerID, lastHeld + 1) {
                lastHeld += 1
                connection.heldAs = lastHeld
                held[lastHeld] = socket
                return .later
            }
            return .send(handlers.handle(message, body, { Self.waits(socket) }))
        } catch {
            counters.malformed += 1
            logger.warning("a hook's frame is malformed: \(error.reason)")
            return .send(answer(.malformed, "\(error.reason)"))
        }
    }

    /// The answer to a remove that waited. Nobody may be there for it any more.
    func answer(held number: UInt64, _ answer: HookAnswer) {
        guard let socket = held.removeValue(forKey: number), var connection = connections[socket], connection.heldAs == number,
            case .frame(let range) = connection.front
        else { return }
        connection.heldAs = 0
        guard finish(&connection, range.upperBound, answer, arrived: connection.heldSince) else {
            connections[socket] = nil
            return
        }
        connections[socket] = connection
        serve(socket)
    }

    /// Closes a connection that is not among `connections`.
    private func end(_ connection: HookConnection) {
        close(connection.socket)
        if connection.isReplaying { handlers.brokenOff() }
    }

    /// True if the peer has not closed its end.
    private static func waits(_ socket: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count > 0 || (count < 0 && errno == EAGAIN)
    }

    private func answer(_ code: HookAnswer.Code, _ reason: String) -> HookAnswer {
        HookAnswer(code: code, abi: abiVersion, reason: Array(reason.utf8))
    }

    /// Closes what has been silent for too long.
    func closeSilent(now: UInt64) {
        for (socket, connection) in connections where connection.deadline <= now {
            // Silence between frames is a client at rest; silence inside one is an attack or a fault.
            if connection.received.isEmpty == false || connection.accepted + Self.patience >= connection.deadline { counters.silent += 1 }
            drop(socket)
        }
    }

    private func evictOldest() {
        guard let oldest = connections.min(by: { $0.value.deadline < $1.value.deadline }) else { return }
        counters.evicted += 1
        drop(oldest.key)
    }

    private func drop(_ socket: Int32) {
        guard let connection = connections.removeValue(forKey: socket) else { return close(socket) }
        held[connection.heldAs] = nil
        end(connection)
    }

    /// Stops listening and closes what is open; hooks in flight find nobody and spool.
    func close(path: String) {
        Glibc.close(listener)
        unlink(path)
        for socket in connections.keys { Glibc.close(socket) }
        connections = [:]
    }

    private func close(_ socket: Int32) { _ = Glibc.close(socket) }
}
