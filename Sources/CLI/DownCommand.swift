import ArgumentParser
import Client
import Core
import FoundationEssentials
import Glibc

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the daemon; with --remove, take everything out of the kernel.",
        discussion: """
            Without --remove what is in the kernel stays there: verdicts go on. With it, policies are let go, programs detached and all labels
            forgotten: nothing is denied and no container is known any more, until a daemon is started again.

            Example:
              portcullis down --remove
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Also take programs, labels and policies out of the kernel.")
    var remove = false

    @Option(help: "The program portcullisd, which removes; by default the one installed with this program.", completion: .file())
    var daemon: String?

    @Option(help: "Where the pins are; by default what the running daemon says, or portcullisd's own default.", completion: .directory)
    var bpfDirectory: String?

    /// Milliseconds for what looks at everything in the kernel or takes it out; a daemon that is just ending is waited for.
    static let patience: Int32 = 120_000

    private struct Status: Decodable { let configuration: [String: String] }

    func run() throws {
        try reportingErrors {
            let running = status()
            if running != nil { try ControlConnection.stopDaemon(connection.socket) } else if !remove { throw PortcullisError(.system, "no daemon answers at \(connection.socket)") }
            guard remove else { return Output.line("stopped; what is in the kernel goes on") }
            guard let program = daemon ?? InstalledDaemon.path() else {
                throw PortcullisError(.system, "no portcullisd beside this program nor in ../sbin; name it with --daemon")
            }
            var arguments = ["--remove"]
            if let directory = bpfDirectory ?? running?.configuration["bpf-directory"] { arguments += ["--bpf-directory", directory] }
            let (output, status) = try ChildOutput.runToEnd(program, arguments, patience: Self.patience)
            guard status == 0 else { throw Exit.refused }
            Output.line(output.last == UInt8(ascii: "\n") ? output.dropLast() : output)
        }
    }

    private func status() -> Status? {
        guard var conversation = try? ControlConnection(connection.socket, .status), let item = try? conversation.next() else { return nil }
        return try? JSONDecoder().decode(Status.self, from: Data(item))
    }
}

/// The daemon's program.
enum InstalledDaemon {
    /// Beside this program, or where `make install` puts it.
    static func path() -> String? {
        guard let directory = ownDirectory() else { return nil }
        let places: [String] = [directory + "/portcullisd", directory + "/../sbin/portcullisd"]
        return places.first { access($0, X_OK) == 0 }
    }

    /// Where this program itself is.
    static func ownDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { return nil }
        let own = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
    }
}
