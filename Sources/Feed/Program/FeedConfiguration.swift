#if Feed
import ArgumentParser
import Core

/// The settings of `portcullis-feed`: flags over the configuration file over defaults.
struct FeedConfiguration: ParsableArguments {
    /// Flags without a value.
    static let switches: Set<String> = ["json-output", "journal", "metrics-anywhere"]

    @Option(help: "Settings as NAME: VALUE. (default: \(SettingsFile.usual), if it is there)")
    var config: String?

    @Option(help: "The daemon's socket for readers.")
    var eventsSocket = "/run/portcullis-events/events.sock"

    @Option(help: "The UNIX socket where gRPC is served; empty: none.")
    var grpcSocket = "/run/portcullis-feed/feed.sock"

    @Option(help: "ADDRESS:PORT where gRPC is served over TCP, as 127.0.0.1:32767. Other addresses than the loopback need TLS.")
    var grpcAddress = ""

    @Option(help: "The server's certificate chain, PEM.")
    var tlsCertificate = ""

    @Option(help: "The certificate's private key, PEM.")
    var tlsKey = ""

    @Option(help: "The authorities whose client certificates are accepted, PEM. With it every client over TCP must show one, and may change policies.")
    var tlsClientCa = ""

    @Option(help: "ADDRESS:PORT where metrics are served for Prometheus, as 127.0.0.1:9780; empty: nowhere.")
    var metricsAddress = ""

    @Flag(help: "Let metrics-address be one that other machines reach. Whoever does reads it: it has neither encryption nor a password.")
    var metricsAnywhere = false

    @Option(help: "A file for alerts and logs as JSON lines; empty: none.")
    var jsonFile = ""

    @Option(help: "MiB from which on another such file is begun.")
    var jsonFileMib = 64

    @Option(help: "Files beside the one that is written: FILE.1 is the newest.")
    var jsonFilesKept = 5

    @Flag(help: "Print alerts and logs as JSON lines.")
    var jsonOutput = false

    @Flag(help: "Send alerts and logs to the journal.")
    var journal = false

    @Option(help: "Where the journal takes entries.")
    var journalSocket = "/run/systemd/journal/socket"

    @Option(help: "What goes to file, output and journal: all, alerts or logs.")
    var outlets = "all"

    @Option(help: "What messages call the cluster.")
    var clusterName = "default"

    @Option(help: "What messages call this machine.")
    var nodeName = Node.hostName

    @Option(help: "What metrics call this machine's operating system.")
    var osName = Node.osName

    @Option(help: "Alerts of one container in one second beyond which it falls silent; 0: no limit.")
    var throttleAlerts = 0

    @Option(help: "Seconds of silence then.")
    var throttleSeconds = 30

    @Option(help: "Seconds after an alert or log in which what says the same is held back and counted; 0: never.")
    var aggregateSeconds = 0

    @Option(help: "error, warning, info or debug.")
    var logLevel = "info"

    /// - Throws: What is wrong, naming the setting.
    mutating func validate() throws {
        guard tlsCertificate.isEmpty == tlsKey.isEmpty else { throw ValidationError("tls-certificate and tls-key belong together") }
        guard tlsClientCa.isEmpty || !tlsCertificate.isEmpty else { throw ValidationError("tls-client-ca needs tls-certificate and tls-key") }
        if !grpcAddress.isEmpty {
            guard let address = ListenAddress(grpcAddress) else { throw ValidationError("grpc-address: \(grpcAddress) is not ADDRESS:PORT") }
            guard address.isLoopback || !tlsCertificate.isEmpty else {
                throw ValidationError("grpc-address: \(grpcAddress) can be reached from other machines, which needs tls-certificate and tls-key")
            }
        }
        if !metricsAddress.isEmpty {
            guard let address = ListenAddress(metricsAddress) else { throw ValidationError("metrics-address: \(metricsAddress) is not ADDRESS:PORT") }
            guard address.isLoopback || metricsAnywhere else {
                throw ValidationError("metrics-address: \(metricsAddress) can be reached from other machines, and metrics are readable by whoever reaches them: say metrics-anywhere if that is meant")
            }
        }
        guard (1...1 << 20).contains(jsonFileMib), (0...1000).contains(jsonFilesKept) else { throw ValidationError("json-file-mib takes 1 to 1048576, json-files-kept 0 to 1000") }
        guard ["all", "alerts", "logs"].contains(outlets) else { throw ValidationError("outlets: \(outlets) is not one of all, alerts, logs") }
        guard throttleAlerts >= 0, (1...86_400).contains(throttleSeconds) else { throw ValidationError("throttle-alerts is a count, throttle-seconds takes 1 to 86400") }
        guard (0...3600).contains(aggregateSeconds) else { throw ValidationError("aggregate-seconds takes 0 to 3600") }
        guard !grpcSocket.isEmpty || !grpcAddress.isEmpty || !metricsAddress.isEmpty || !jsonFile.isEmpty || jsonOutput || journal else { throw ValidationError("nothing is to be served") }
    }
}

/// An IP address and a port; IPv6 in brackets.
struct ListenAddress: Equatable {
    let host: String
    let port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65535).contains(port) else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        (self.host, self.port) = (host, port)
    }

    var isIPv6: Bool { host.contains(":") }
    var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }
}
#endif
