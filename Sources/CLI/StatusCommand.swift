import ArgumentParser
import Core
import FoundationEssentials

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon, its kernel side and all counters.")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .status)
            guard let item = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no status") }
            if connection.json { return Output.line(item) }
            show(try JSONDecoder().decode(Status.self, from: Data(item)))
        }
    }

    /// The parts of the daemon's report that have a line of their own here.
    private struct Status: Decodable {
        struct Kernel: Decodable {
            let release, bpfLSM, labels, fork, pins, hostNamespaces: String
            let adopted: Bool
            let programs: [String]
        }
        struct Maps: Decodable { let containers, capacity, identities: Int }
        /// Counters by name; the few that are lists are left to `--json`.
        struct Counters: Decodable {
            let values: [(name: String, value: UInt64)]

            private struct Name: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init?(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            init(from decoder: Decoder) throws {
                let container = try decoder.container(keyedBy: Name.self)
                values = container.allKeys.compactMap { key in
                    (try? container.decode(UInt64.self, forKey: key)).map { (key.stringValue, $0) }
                }.sorted { $0.name < $1.name }
            }
        }
        let version: String
        let abi, uptimeSeconds: Int
        let enforcing: Bool
        let kernel: Kernel
        let maps: Maps
        let counters: Counters
        let configuration: [String: String]
    }

    private func show(_ status: Status) {
        let kernel = status.kernel
        var table = Table(["portcullisd", "\(status.version) (ABI \(status.abi))"])
        table.add(["uptime", Duration.text(seconds: status.uptimeSeconds)])
        table.add(["enforcing", status.enforcing ? "yes" : "no: this version identifies and observes"])
        table.add(["kernel", kernel.release])
        table.add(["BPF-LSM", kernel.bpfLSM])
        table.add(["labels in", kernel.labels])
        table.add(["inherited by", kernel.fork])
        table.add(["programs", kernel.programs.joined(separator: " ")])
        table.add(["pinned in", kernel.pins + (kernel.adopted ? " (taken over from an earlier daemon)" : "")])
        table.add(["host namespaces", kernel.hostNamespaces])
        table.add(["containers", "\(status.maps.containers) of \(status.maps.capacity), \(status.maps.identities) keys"])
        let problem = status.configuration["problem"] ?? ""
        table.add(["configuration", problem.isEmpty ? status.configuration["file"] ?? "" : "\(problem) (the old one is in force)"])
        table.print()
        Output.line("")
        // A counter at zero says nothing; those that are not tell what happened.
        for counter in status.counters.values where counter.value > 0 { Output.line("  \(counter.name) \(counter.value)") }
    }
}

/// Spans of time for people.
enum Duration {
    static func text(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: "\(seconds / 3600)h\(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }
}
