#if NRI
import ArgumentParser
import Core
import Glibc
import HookWire
import LineLog
import Logging

/// `portcullis-nri`: speaks with containerd or CRI-O, so that every container of theirs is known before it runs.
@main
struct PortcullisNRI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portcullis-nri", abstract: "Have containerd and CRI-O tell portcullisd of every pod and container.",
        discussion: """
            A plugin of NRI, the Node Resource Interface. It gives each container the hook and its pod's labels, has the daemon confirm it before it runs,
            and tells the daemon of all that runs whenever one of them starts anew. It needs root, and no capability.
            Run by the runtime from its plugin directory, it speaks over the descriptor that it finds there.
            """,
        version: "portcullis-nri \(BuildVersion.text)")

    @OptionGroup var options: Options

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let level = Logger.Level(rawValue: options.logLevel) ?? .info
        LoggingSystem.bootstrap { _ in
            var handler = LineLogHandler(style: .init(.auto))
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "portcullis-nri")
        do {
            let plugin = try Plugin(options, logger, launched: Self.launched)
            plugin.run()
            logger.info("the runtime that started this process has gone; it starts another when it starts again")
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
    }

    /// The descriptor that a runtime leaves to a plugin that it starts (NRI, pkg/api, PluginSocketEnvVar).
    private static var launched: Int32? {
        guard let text = getenv("NRI_PLUGIN_SOCKET"), let number = Int32(String(cString: text)) else { return nil }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        return number
    }
}
#else
@main
enum PortcullisNRI {
    static func main() { print("portcullis-nri: built without the package trait NRI, and so without Protocol Buffers: make nri") }
}
#endif
