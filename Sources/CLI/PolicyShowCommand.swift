import ArgumentParser
import Client
import Core
import FoundationEssentials

struct PolicyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a policy as it was understood: each rule with what it inherits.", discussion: "Example:\n  portcullis policy show shop/web")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "NAMESPACE/NAME, or NAME in the namespace default.", completion: Completions.policies)
    var policy: String

    private struct Rule: Decodable {
        struct Source: Decodable {
            let path, dir: String?
            let recursive: Bool?
            var text: String { path ?? "\(dir ?? "")\(recursive == true ? "**" : "*")" }
        }
        let rule, section, action, message: String
        let line, severity: Int
        let path, dir, pattern, execname, `protocol`, capability, domain, preset, syscall: String?
        let recursive: Bool?
        let ownerOnly, readOnly, withoutTerminal: Bool
        let allowedArgs: [String]
        let fromSource: [Source]
        let tags: [String]
    }

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .policies, PolicyText.identity(policy))
            guard let head = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no policy") }
            if connection.json { return try printJSON(head, &conversation) }
            show(try JSONDecoder().decode(PolicySummary.self, from: Data(head)))
            while let item = try conversation.next() { show(try JSONDecoder().decode(Rule.self, from: Data(item))) }
        }
    }

    /// One object with the rules in it; they come one by one, since there may be ten thousand of them.
    private func printJSON(_ head: [UInt8], _ conversation: inout ControlConnection) throws {
        var json = Array(head.dropLast()) + Array(",\"rules\":[".utf8)
        var isFirst = true
        while let rule = try conversation.next() {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            json += rule
        }
        Output.line(json + Array("]}".utf8))
    }

    private func show(_ policy: PolicySummary) {
        var table = Table(["policy", policy.identity])
        table.add(["origin", "\(policy.file):\(policy.line)" + (policy.source == "applied" ? " (applied)" : "")])
        var parts = policy.matchLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !policy.anyOf.isEmpty { parts.append("one of (\(policy.anyOf.joined(separator: ", ")))") }
        if !policy.noneOf.isEmpty { parts.append("none of (\(policy.noneOf.joined(separator: ", ")))") }
        if !policy.namespaces.isEmpty { parts.append("in namespaces \(policy.namespaces.joined(separator: ", "))") }
        if !policy.exceptNamespaces.isEmpty { parts.append("not in namespaces \(policy.exceptNamespaces.joined(separator: ", "))") }
        parts += policy.nodeLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let labels = parts.joined(separator: " ")
        let names = policy.containerNames.isEmpty ? "" : " in containers named \(policy.containerNames.joined(separator: ", "))"
        table.add(["selects", labels.isEmpty && names.isEmpty ? (policy.forHosts ? "no host" : "every container") : labels + names])
        table.add(["mode", policy.mode])
        if policy.allowsMounts { table.add(["mounts", "may be changed by the containers"]) }
        let listed = policy.containers.joined(separator: " ")
        let rest = policy.selected - policy.containers.count
        if policy.forHosts { table.add(["in force", "on \(policy.reach)"]) } else { table.add(["containers", policy.selected == 0 ? "none" : "\(policy.selected): \(listed)" + (rest > 0 ? " and \(rest) more" : "")]) }
        table.add(["rules", policy.rules])
        table.print()
    }

    private func show(_ rule: Rule) {
        var target = rule.path ?? rule.pattern ?? rule.execname.map { "any \($0)" } ?? rule.dir ?? rule.protocol ?? rule.capability
            ?? rule.domain ?? rule.preset ?? ""
        if rule.dir != nil { target += rule.recursive == true ? " (recursive)" : " (not recursive)" }
        if let syscall = rule.syscall { target = target.isEmpty ? syscall : "\(syscall) \(target)" }
        var text = "  \(rule.action) \(rule.section) \(target)"
        if !rule.fromSource.isEmpty { text += " from \(rule.fromSource.map(\.text).joined(separator: ", "))" }
        if rule.ownerOnly { text += " ownerOnly" }
        if rule.readOnly { text += " readOnly" }
        if rule.withoutTerminal { text += " pts=false" }
        if !rule.allowedArgs.isEmpty { text += " allowedArgs=\(rule.allowedArgs.joined(separator: ","))" }
        if rule.severity > 0 { text += " severity=\(rule.severity)" }
        if !rule.tags.isEmpty { text += " tags=\(rule.tags.joined(separator: ","))" }
        if !rule.message.isEmpty { text += " \"\(rule.message)\"" }
        Output.line(Output.clean(text + "  [\(rule.rule), line \(rule.line)]"))
    }
}
