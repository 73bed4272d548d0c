#if Feed
import Core
import HookWire

/// What this program says of itself, whether the daemon answers or not.
struct FeedMetrics {
    private let server: MetricsServer
    private let answer: StatusQuestion.Answer
    private let hub: Hub

    init(_ server: MetricsServer, _ answer: StatusQuestion.Answer) { (self.server, self.answer, hub) = (server, answer, server.hub) }

    func write(to text: inout PrometheusText) {
        let condition = hub.condition
        var answered: UInt64?
        if case .status(_, let nanoseconds) = answer { answered = nanoseconds }
        text.single("portcullis_up", .gauge, "1 if the daemon told its status for this scrape; 0: what follows is the feed's own.", .flag(answered != nil))
        text.single("portcullis_healthy", .gauge, "1 while the daemon is there and all its programs are attached, as /healthz says.", .flag(condition.complaint.isEmpty))
        text.single("portcullis_status_duration_seconds", .gauge, "From asking the daemon for its status to having it, for this scrape.", answered.map { .nanoseconds($0) })
        text.family("portcullis_feed_build_info", .gauge, "This program: always 1, labelled with its version.") { $0.sample([("version", "\(BuildVersion.text)")], value: .count(1)) }
        text.single("portcullis_feed_cpu_seconds_total", .counter, "Processor time of this program, of user and kernel together.", .nanoseconds(Node.cpu))
        text.single("portcullis_feed_resident_memory_bytes", .gauge, "Memory of this program that is in RAM.", Node.residentBytes.map { .count($0) })
        text.single("portcullis_feed_connected", .gauge, "1 while the daemon's alerts come in.", .flag(condition.isConnected))
        let options = hub.options
        text.family("portcullis_node_info", .gauge, "This machine: always 1, labelled with its operating system, its kernel, and what messages call it and its cluster.") {
            $0.sample([("os", options.osName), ("kernel", Node.kernelRelease), ("cluster", options.clusterName), ("node", options.nodeName)], value: .count(1))
        }
        records(&text)
        connections(&text)
        listener(&text)
    }

    private func records(_ text: inout PrometheusText) {
        let counters = hub.counters, clients = hub.clients, lost = hub.outlets.lost
        text.family("portcullis_feed_records_total", .counter, "Records that came from the daemon, by stream.") {
            $0.sample([("stream", "alerts")], value: .count(counters.alerts))
            $0.sample([("stream", "logs")], value: .count(counters.logs))
        }
        text.family("portcullis_feed_records_lost_total", .counter, "Records that the daemon could not hand over, because this program was too slow.") {
            $0.sample([("stream", "alerts")], value: .count(counters.alertsLost))
            $0.sample([("stream", "logs")], value: .count(counters.logsLost))
        }
        text.single("portcullis_feed_records_malformed_total", .counter, "Records that could not be read.", .count(counters.malformed))
        text.single("portcullis_feed_unknown_containers_total", .counter, "Records of a container that the daemon had not told of.", .count(counters.unknownContainers))
        text.single("portcullis_feed_alerts_throttled_total", .counter, "Alerts that a throttle held back.", .count(counters.held))
        text.family("portcullis_feed_messages_folded_total", .counter, "Alerts and logs that said again what had just been said, and were held back and counted, by stream.") {
            $0.sample([("stream", "alerts")], value: .count(counters.alertsFolded))
            $0.sample([("stream", "logs")], value: .count(counters.logsFolded))
        }
        text.family("portcullis_feed_clients", .gauge, "Clients that follow a stream over gRPC.") { samples in
            for (stream, name) in [(Hub.Stream.alerts, "alerts"), (.logs, "logs"), (.messages, "messages")] {
                samples.sample([("stream", name)], value: .count(UInt64(clients[stream] ?? 0)))
            }
        }
        text.single("portcullis_feed_messages_dropped_total", .counter, "Messages that a client over gRPC was too slow for.", .count(counters.dropped))
        text.family("portcullis_feed_lines_lost_total", .counter, "Messages that an outlet did not take, or that it was too slow for.") {
            $0.sample([("outlet", "file")], value: .count(lost.file))
            $0.sample([("outlet", "output")], value: .count(lost.output))
            $0.sample([("outlet", "journal")], value: .count(lost.journal))
        }
    }

    private func connections(_ text: inout PrometheusText) {
        let listeners = [("socket", server.gates.socket.counters), ("tcp", server.gates.tcp.counters)]
        text.family("portcullis_feed_grpc_connections", .gauge, "Connections of gRPC clients, by listener.") { samples in
            for (name, counters) in listeners { samples.sample([("listener", name)], value: .count(UInt64(counters.open))) }
        }
        text.family("portcullis_feed_grpc_connections_total", .counter, "Connections of gRPC clients so far, those that were refused among them.") { samples in
            for (name, counters) in listeners { samples.sample([("listener", name)], value: .count(counters.total)) }
        }
        text.family("portcullis_feed_grpc_connections_refused_total", .counter, "Connections that were closed because their listener had as many as it may have.") { samples in
            for (name, counters) in listeners { samples.sample([("listener", name)], value: .count(counters.refused)) }
        }
    }

    private func listener(_ text: inout PrometheusText) {
        let counters = server.counters
        text.family("portcullis_feed_http_requests_total", .counter, "Requests to this listener that were answered, by path and status code.") { samples in
            for (answered, count) in counters.answers.sorted(by: { ($0.key.path, $0.key.code) < ($1.key.path, $1.key.code) }) {
                samples.sample([("path", answered.path), ("code", "\(answered.code)")], value: .count(count))
            }
        }
        text.single("portcullis_feed_http_connections", .gauge, "Connections to this listener.", .count(UInt64(server.openConnections)))
        text.single("portcullis_feed_http_connections_total", .counter, "Connections to this listener so far.", .count(counters.connections))
        text.family("portcullis_feed_http_connections_closed_total", .counter, "Connections that this listener closed: to make room, because a request took too long, or because it was too long.") {
            $0.sample([("reason", "evicted")], value: .count(counters.evicted))
            $0.sample([("reason", "slow")], value: .count(counters.slow))
            $0.sample([("reason", "too_long")], value: .count(counters.tooLong))
        }
    }
}
#endif
