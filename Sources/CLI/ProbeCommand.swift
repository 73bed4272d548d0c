import ArgumentParser
import Core
import FoundationEssentials
import Glibc

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Say what this machine can enforce, and what to do where it cannot.",
        discussion: "Needs no running daemon. Exit status: 0 policies can be enforced; 1 only observed; 2 it could not be found out.")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The program portcullisd, which looks; by default the one installed with this program.")
    var daemon: String?

    private struct Finding: Decodable {
        let check, state, detail, advice: String
    }

    func run() throws {
        guard let program = daemon ?? Self.installedDaemon() else {
            Output.complain("portcullis: no portcullisd beside this program nor in ../sbin; name it with --daemon")
            throw Exit.unknown
        }
        let output: [UInt8]
        do throws(PortcullisError) { output = try ChildOutput.run(program, ["--probe"]) } catch {
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

    private static func installedDaemon() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { return nil }
        let own = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
        return [directory + "/portcullisd", directory + "/../sbin/portcullisd"].first { access($0, X_OK) == 0 }
    }
}
