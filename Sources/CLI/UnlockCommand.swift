import ArgumentParser
import Client
import Core
import FoundationEssentials
import Glibc

struct UnlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Let others touch what is the daemon's own in the kernel, before an upgrade say.",
        discussion: """
            While the daemon protects itself, nobody else may replace its program, remove its pins, kill it or look into its maps. This lifts that for
            everybody who is in no container: until a daemon starts, or with --for for a while. Verdicts go on.

            Example:
              portcullis unlock --for 10m
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .customLong("for"), help: "How long: 30s, 10m, 2h; until a daemon starts if it is not given.")
    var time: String?

    @Option(help: "The program portcullisd, which unlocks where no daemon runs; by default the one installed with this program.", completion: .file())
    var daemon: String?

    @Option(help: "Where the pins are, if no daemon runs and they are not in portcullisd's own default.", completion: .directory)
    var bpfDirectory: String?

    func run() throws {
        try reportingErrors {
            let seconds = try time.map { text throws(PortcullisError) in try TimeSpan.seconds(text, option: "--for", limit: Pause.longest) } ?? 0
            if access(connection.socket, F_OK) == 0, var conversation = try? ControlConnection(connection.socket, .unlock, "\(seconds)") {
                guard try conversation.next() != nil else { throw PortcullisError(.peer, "the daemon sent no answer") }
                return Output.line(seconds == 0 ? "unlocked until a daemon starts" : "unlocked for \(Duration.text(seconds: seconds))")
            }
            guard time == nil else { throw PortcullisError(.system, "no daemon answers at \(connection.socket), so that --for cannot be had") }
            guard let program = daemon ?? InstalledDaemon.path() else {
                throw PortcullisError(.system, "no portcullisd beside this program nor in ../sbin; name it with --daemon")
            }
            let (output, status) = try ChildOutput.runToEnd(program, ["--unlock"] + (bpfDirectory.map { ["--bpf-directory", $0] } ?? []), patience: DownCommand.patience)
            guard status == 0 else { throw Exit.refused }
            Output.line(output.last == UInt8(ascii: "\n") ? output.dropLast() : output)
        }
    }
}
