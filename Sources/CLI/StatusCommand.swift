import ArgumentParser
import Core
import Foundation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon, its kernel side and all counters.")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .status)
            guard let item = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no status") }
            if connection.json { return Output.line(item) }
            guard let status = try JSONSerialization.jsonObject(with: Data(item)) as? [String: Any] else {
                throw PortcullisError(.peer, "the daemon sent no status")
            }
            show(status)
        }
    }

    private func show(_ status: [String: Any]) {
        let kernel = status["kernel"] as? [String: Any] ?? [:]
        let maps = status["maps"] as? [String: Any] ?? [:]
        let counters = status["counters"] as? [String: Any] ?? [:]
        let configuration = status["configuration"] as? [String: Any] ?? [:]
        func text(_ value: Any?) -> String { value.map { "\($0)" } ?? "-" }
        var table = Table(["portcullisd", "\(text(status["version"])) (ABI \(text(status["abi"])))"])
        table.add(["uptime", Duration.text(seconds: (status["uptimeSeconds"] as? NSNumber)?.intValue ?? 0)])
        table.add(["enforcing", (status["enforcing"] as? Bool) == true ? "yes" : "no: this version identifies and observes"])
        table.add(["kernel", text(kernel["release"])])
        table.add(["BPF-LSM", text(kernel["bpfLSM"])])
        table.add(["labels in", text(kernel["labels"])])
        table.add(["inherited by", text(kernel["fork"])])
        table.add(["programs", (kernel["programs"] as? [String] ?? []).joined(separator: " ")])
        table.add(["pinned in", "\(text(kernel["pins"]))\((kernel["adopted"] as? Bool) == true ? " (taken over from an earlier daemon)" : "")"])
        table.add(["host namespaces", text(kernel["hostNamespaces"])])
        table.add(["containers", "\(text(maps["containers"])) of \(text(maps["capacity"])), \(text(maps["identities"])) keys"])
        let problem = text(configuration["problem"])
        table.add(["configuration", problem.isEmpty ? text(configuration["file"]) : "\(problem) (the old one is in force)"])
        table.print()
        // A counter at zero says nothing; those that are not tell what happened.
        let used = counters.filter { ($0.value as? NSNumber)?.intValue ?? 0 > 0 }.sorted { $0.key < $1.key }
        Output.line("")
        for (name, value) in used { Output.line("  \(name) \(value)") }
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
