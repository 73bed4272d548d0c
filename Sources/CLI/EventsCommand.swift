import ArgumentParser
import Client
import Core
import FoundationEssentials

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Follow what containers execute and how their processes end.",
        discussion: """
            In the daemon's own words, until interrupted. [first] marks a container's own first instruction, [entered] a process that came in from outside, or descends
            from one. portcullis logs has more filters, and KubeArmor's words.

            Example:
              portcullis events --json --container 3f2a91
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "Only events of containers whose id starts so.", completion: Completions.containers)
    var container = ""

    private struct Event: Decodable {
        struct Container: Decodable {
            let source: String
            let id, namespace, pod, name: String?
        }
        struct Process: Decodable {
            let pid, hostPid, uid: Int
            let comm: String
            let executable: String?
            let arguments: [String]?
            let argumentsCut, first, entered: Bool?
            let exitCode, signal: Int?
        }
        let type: String
        let time: String?
        let container: Container?
        let process: Process?
        let count: Int?
        let operation, result, syscall, path, otherPath, capability, family, address, socketName, domain: String?
        let port: Int?
        let ioUring: Bool?
    }

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .events, container)
            while let json = try conversation.next() {
                if connection.json {
                    Output.line(json)
                } else {
                    Output.line(Output.clean(describe(try JSONDecoder().decode(Event.self, from: Data(json)))))
                }
            }
        }
    }

    private func describe(_ event: Event) -> String {
        if event.type == "lost" { return "*** \(event.count ?? 0) events were dropped: this reader is too slow ***" }
        guard let process = event.process, let owner = event.container else { return event.type }
        let time = event.time.map { String($0.dropFirst(11).prefix(12)) } ?? ""
        let name: String
        switch owner.source {
        case "host": name = "(host)"
        case "stale": name = "(stale label)"
        default:
            let id = owner.id ?? ""
            let short = id.count == 64 ? String(id.prefix(12)) : id
            let parts = [owner.namespace, owner.pod, owner.name].compactMap { $0 }.filter { !$0.isEmpty }
            name = parts.isEmpty ? short : "\(parts.joined(separator: "/"))(\(short))"
        }
        let who = "pid=\(process.pid) host-pid=\(process.hostPid) uid=\(process.uid)"
        guard event.type == "exec" || event.type == "exit" else {
            return "\(time) \(name) \(act(event)): \(event.result ?? "?") by \(process.executable ?? process.comm) \(who)"
        }
        guard event.type == "exec" else {
            let how = (process.signal ?? 0) != 0 ? "signal \(process.signal ?? 0)" : "exit \(process.exitCode ?? 0)"
            return "\(time) \(name) EXIT \(process.comm) \(how) \(who)"
        }
        let arguments = (process.arguments ?? []).joined(separator: " ") + (process.argumentsCut == true ? " ..." : "")
        let marks = (process.first == true ? " [first]" : "") + (process.entered == true ? " [entered]" : "")
        return "\(time) \(name) EXEC \(process.executable ?? "?") \(who) args=\(arguments)\(marks)"
    }

    /// What was done, and to what.
    private func act(_ event: Event) -> String {
        let operation = event.operation == "syscall" ? event.syscall : event.operation
        var text = (operation ?? event.type).uppercased()
        if event.ioUring == true { text += " (io_uring)" }
        if let capability = event.capability { text += " \(capability)" }
        if let path = event.path { text += " \(path)" }
        if let other = event.otherPath { text += " \(event.operation == "mount" ? "from" : "to") \(other)" }
        if let family = event.family { text += " \(family)" }
        if let address = event.address { text += address.contains(":") ? " [\(address)]:\(event.port ?? 0)" : " \(address):\(event.port ?? 0)" }
        if let name = event.socketName ?? event.domain { text += " \(name)" }
        return text
    }
}
