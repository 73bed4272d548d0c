import ArgumentParser
import Client
import Core
import FoundationEssentials

struct AlertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Follow what policies deny or report.")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "Only alerts of containers whose id starts so.")
    var container = ""

    private struct Alert: Decodable {
        struct Container: Decodable { let id, namespace, pod, name: String }
        struct Process: Decodable {
            let pid, hostPid, uid: Int
            let comm: String
        }
        let type: String
        let count: Int?
        let time, policy, namespace, rule, action, operation, access, path, resource, syscall, result, executable, reason, message: String?
        let severity: Int?
        let host: Bool?
        let container: Container?
        let process: Process?
    }

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .alerts, container)
            while let json = try conversation.next() {
                if connection.json {
                    Output.line(json)
                } else {
                    Output.line(Output.clean(describe(try JSONDecoder().decode(Alert.self, from: Data(json)))))
                }
            }
        }
    }

    private func describe(_ alert: Alert) -> String {
        if alert.type == "lost" { return "*** \(alert.count ?? 0) alerts were dropped: this reader is too slow ***" }
        guard let process = alert.process, let owner = alert.container else { return alert.type }
        let time = alert.time.map { String($0.dropFirst(11).prefix(12)) } ?? ""
        let short = owner.id.count == 64 ? String(owner.id.prefix(12)) : owner.id
        let names = [owner.namespace, owner.pod, owner.name].filter { !$0.isEmpty }
        let name = alert.host == true ? "host" : names.isEmpty ? short : "\(names.joined(separator: "/"))(\(short))"
        let verdict = switch alert.action {
        case "Block": "BLOCKED"
        case "Audit (Block)": "WOULD-BLOCK"
        default: "AUDIT"
        }
        let actor = alert.executable.flatMap { $0.isEmpty ? nil : $0 } ?? process.comm
        let object = [alert.syscall, alert.path ?? alert.resource].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        var text = "\(time) \(name) \(verdict) \(alert.operation ?? "?") \(object) by \(actor)"
        text += " pid=\(process.pid) host-pid=\(process.hostPid) uid=\(process.uid)"
        if let policy = alert.policy, !policy.isEmpty {
            let place = alert.namespace.flatMap { $0.isEmpty ? nil : "\($0)/" } ?? ""
            text += " policy=\(place)\(policy)" + (alert.rule.flatMap { $0.isEmpty ? nil : " rule=\($0)" } ?? "")
        }
        if alert.syscall != nil, let result = alert.result { text += " result=\(result)" }
        if let severity = alert.severity, severity > 0 { text += " severity=\(severity)" }
        if let reason = alert.reason, !reason.isEmpty { text += " (\(reason))" }
        if let message = alert.message, !message.isEmpty { text += " \"\(message)\"" }
        return text
    }
}
