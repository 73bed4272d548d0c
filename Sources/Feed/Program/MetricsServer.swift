#if Feed
import Core
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The HTTP listener: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever watches processes.
final class MetricsServer: Sendable {
    /// Connections at one time. At the bound the one that has been silent for longest is closed and counted.
    static let connectionLimit = 32

    /// Counters, each only grows.
    struct Counters: Sendable {
        var connections: UInt64 = 0
        var evicted: UInt64 = 0
        /// Connections closed because a request took too long, or was too long.
        var slow: UInt64 = 0
        var tooLong: UInt64 = 0
        var answers: [Answered: UInt64] = [:]
    }

    struct Answered: Hashable, Sendable {
        let path: String
        let code: UInt
    }

    private struct State {
        var counters = Counters()
        var connections: [ObjectIdentifier: (channel: any Channel, since: UInt64)] = [:]
    }

    let hub: Hub
    let gates: ConnectionGates
    let question: StatusQuestion
    private let address: ListenAddress
    private let logger: Logger
    private let state = Mutex(State())

    init(_ hub: Hub, _ gates: ConnectionGates, _ address: ListenAddress, _ logger: Logger) {
        (self.hub, self.gates, self.address, self.logger) = (hub, gates, address, logger)
        question = StatusQuestion(hub.options.eventsSocket)
    }

    /// Until the task is cancelled.
    ///
    /// - Throws: What keeps it from listening.
    func serve() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = MetricsConnection(self, channel)
                    try channel.pipeline.syncOperations.addHandler(RequestLimit(connection))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: address.host, port: address.port).get()
        logger.info("metrics are served", metadata: ["address": "\(hub.options.metricsAddress)"])
        try await withTaskCancellationHandler { try await listener.closeFuture.get() } onCancel: { listener.close(promise: nil) }
    }

    // MARK: Connections

    var counters: Counters { state.withLock { $0.counters } }
    var openConnections: Int { state.withLock { $0.connections.count } }

    func opened(_ channel: any Channel) {
        let evicted = state.withLock { state -> (any Channel)? in
            state.counters.connections += 1
            let oldest = state.connections.count < Self.connectionLimit ? nil : state.connections.min { $0.value.since < $1.value.since }
            if let oldest {
                state.connections[oldest.key] = nil
                state.counters.evicted += 1
            }
            state.connections[ObjectIdentifier(channel)] = (channel, Node.monotonic)
            return oldest?.value.channel
        }
        evicted?.close(promise: nil)
    }

    func closed(_ channel: any Channel) { state.withLock { $0.connections[ObjectIdentifier(channel)] = nil } }

    func answered(_ channel: any Channel, _ path: String, _ code: UInt) {
        state.withLock { state in
            state.connections[ObjectIdentifier(channel)]?.since = Node.monotonic
            state.counters.answers[Answered(path: path, code: code), default: 0] += 1
        }
    }

    func closesSlow() { state.withLock { $0.counters.slow += 1 } }
    func closesTooLong() { state.withLock { $0.counters.tooLong += 1 } }

    // MARK: What is said

    func metrics(_ answer: StatusQuestion.Answer) -> [UInt8] {
        var text = PrometheusText()
        if case .status(let status, _) = answer { DaemonMetrics.write(status, to: &text) }
        FeedMetrics(self, answer).write(to: &text)
        return text.bytes
    }

    /// Why what is to be seen here is not all that happens, or the daemon cannot say; empty if all is well.
    func unreadiness(_ answer: StatusQuestion.Answer) -> String {
        switch answer {
        case .problem(let problem): return problem
        case .status(let status, _):
            switch status["replay"]["state"].text {
            case "expected", "scanning": return "the daemon is still looking for containers that were there before it"
            case "failed": return "containers that were there before the daemon may be unknown: \(status["replay"]["failure"].text ?? "")"
            default: return hub.condition.complaint
            }
        }
    }
}
#endif
