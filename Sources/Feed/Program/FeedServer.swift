#if Feed
import Core
import FeedProtocol
import GRPCCore
import GRPCNIOTransportHTTP2
import Glibc
import Logging

/// The listeners, each a server of its own with the same services.
struct FeedServer {
    /// A connection without a call is asked to go after this time: clients connect again when they have one.
    private static let idleTime = Duration.seconds(300)

    private let hub: Hub
    private let logger: Logger
    private let gates = ConnectionGates()

    init(_ hub: Hub, _ logger: Logger) { (self.hub, self.logger) = (hub, logger) }

    /// Serves until the program ends.
    func run() async throws {
        let options = hub.options
        var servers: [GRPCServer<HTTP2ServerTransport.Posix>] = []
        if !options.grpcSocket.isEmpty {
            // What an earlier feed left there.
            unlink(options.grpcSocket)
            umask(0o007)
            servers.append(GRPCServer(
                transport: .init(address: .unixDomainSocket(path: options.grpcSocket), transportSecurity: .plaintext, config: config(gates.socket)),
                services: try services(overTCP: false)))
            logger.info("gRPC is served", metadata: ["socket": "\(options.grpcSocket)"])
        }
        if let address = ListenAddress(options.grpcAddress) {
            servers.append(GRPCServer(
                transport: .init(
                    address: address.isIPv6 ? .ipv6(host: address.host, port: address.port) : .ipv4(host: address.host, port: address.port),
                    transportSecurity: security, config: config(gates.tcp)),
                services: try services(overTCP: true)))
            logger.info("gRPC is served", metadata: ["address": "\(options.grpcAddress)", "tls": "\(!options.tlsCertificate.isEmpty)"])
        }
        let metrics = ListenAddress(options.metricsAddress).map { MetricsServer(hub, gates, $0, logger) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let metrics { group.addTask { try await metrics.serve() } }
            for server in servers { group.addTask { try await server.serve() } }
            // Only files and the journal: there is nothing to serve, and no end.
            if servers.isEmpty, metrics == nil { group.addTask { while true { try await Task.sleep(for: .seconds(86_400)) } } }
            try await group.next()
            group.cancelAll()
        }
    }

    private func services(overTCP: Bool) throws -> [any RegistrableRPCService] {
        [
            LogService(hub: hub), HealthService(hub: hub), try ReflectionService(), ProbeService(hub: hub),
            PolicyService(hub: hub, logger: logger, needsCertificate: overTCP),
        ]
    }

    private var security: HTTP2ServerTransport.Posix.TransportSecurity {
        let options = hub.options
        guard !options.tlsCertificate.isEmpty else { return .plaintext }
        let chain = [TLSConfig.CertificateSource.file(path: options.tlsCertificate, format: .pem)]
        let key = TLSConfig.PrivateKeySource.file(path: options.tlsKey, format: .pem)
        guard !options.tlsClientCa.isEmpty else { return .tls(certificateChain: chain, privateKey: key) }
        return .mTLS(certificateChain: chain, privateKey: key) { config in
            config.trustRoots = .certificates([.file(path: options.tlsClientCa, format: .pem)])
        }
    }

    /// Clients may ping as often as KubeArmor lets them; a dead one is noticed in half a minute.
    private func config(_ gate: ConnectionGate) -> HTTP2ServerTransport.Posix.Config {
        .defaults { config in
            // It is called for debugging, and is the one place where the transport shows a connection before it is served.
            config.channelDebuggingCallbacks.onAcceptTCPConnection = { gate.guards($0) }
            config.connection.maxIdleTime = Self.idleTime
            config.connection.keepalive.time = .seconds(20)
            config.connection.keepalive.timeout = .seconds(10)
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(1)
            config.http2.targetWindowSize = 1 << 20
            config.http2.maxConcurrentStreams = 64
            config.rpc.maxRequestPayloadSize = 4 << 20
        }
    }
}
#endif
