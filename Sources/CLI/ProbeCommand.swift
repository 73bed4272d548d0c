import ArgumentParser
import Client
import Core
import FoundationEssentials
import Glibc

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Say what this machine can enforce and report, and what to do where it cannot.",
        discussion: """
            Lines "see CLASS" are about telemetry: what of each class of visibility this kernel shows, and why not what it does not.

            Needs no running daemon. Exit status: 0 policies can be enforced; 1 only observed; 2 it could not be found out.

            Example:
              portcullis probe --json
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The program portcullisd, which looks; by default the one installed with this program.", completion: .file())
    var daemon: String?

    private struct Finding: Decodable {
        let check, state, detail, advice: String
    }

    func run() throws {
        guard let program = daemon ?? InstalledDaemon.path() else {
            Output.complain("portcullis: no portcullisd beside this program nor in ../sbin; name it with --daemon")
            throw Exit.unknown
        }
        let output: [UInt8]
        do throws(PortcullisError) { output = try ChildOutput.runToEnd(program, ["--probe"], patience: DownCommand.patience).output } catch {
            Output.complain("portcullis: \(error)")
            throw Exit.unknown
        }
        let lines = output.split(separator: UInt8(ascii: "\n")).map(Array.init)
        guard let findings = try? lines.map({ try JSONDecoder().decode(Finding.self, from: Data($0)) }), let verdict = findings.last else {
            Output.complain("portcullis: \(program) does not know --probe, or may not look (are you root?)")
            throw Exit.unknown
        }
        let running = runningDaemon()
        if connection.json {
            for line in lines { Output.line(line) }
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("check", "daemon")
                writer.member("state", running.enforces ? "ok" : "reduced")
                writer.member("detail", running.text)
                writer.member("advice", "")
            }
            Output.line(writer.bytes)
        } else {
            show(findings.dropLast() + [Finding(check: "daemon", state: running.enforces ? "ok" : "-", detail: running.text, advice: ""), verdict])
        }
        if verdict.state != "ok" { throw Exit.refused }
    }

    private func show(_ findings: [Finding]) {
        var table = Table(["CHECK", "STATE", "FOUND"])
        for finding in findings { table.add([finding.check, finding.state, finding.detail]) }
        table.print()
        let advised = findings.filter { !$0.advice.isEmpty }
        if !advised.isEmpty { Output.line("") }
        for finding in advised { Output.line(Output.clean("\(finding.check): \(finding.advice)")) }
    }

    /// Whether a daemon answers, and whether it enforces.
    private func runningDaemon() -> (enforces: Bool, text: String) {
        struct Status: Decodable {
            struct Enforcement: Decodable { let reason: String }
            let enforcing: Bool
            let enforcement: Enforcement
        }
        do {
            var conversation = try ControlConnection(connection.socket, .status)
            guard let item = try conversation.next() else { return (false, "gives no answer") }
            let status = try JSONDecoder().decode(Status.self, from: Data(item))
            return status.enforcing ? (true, "runs and enforces") : (false, "runs and only observes: \(status.enforcement.reason)")
        } catch { return (false, "\(error)") }
    }
}
