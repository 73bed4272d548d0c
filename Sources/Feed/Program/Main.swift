#if Feed
import ArgumentParser
import Core
import Glibc
import HookWire
import Logging
import NIOCore

/// `portcullis-feed`: what the daemon sees, for those who listen.
@main
struct PortcullisFeed: AsyncParsableCommand {
    /// Threads that read and write sockets; more would idle, however many processors there are.
    private static let eventLoops = 2

    static let configuration = CommandConfiguration(
        commandName: "portcullis-feed", abstract: "Serve alerts, logs and metrics of portcullisd to KubeArmor's clients, Prometheus and files.",
        discussion: """
            It needs no right but to read the daemon's events socket, and nothing that is enforced depends on it.
            Settings may stand in a file, as NAME: VALUE; flags go before it.
            """,
        version: "portcullis-feed \(BuildVersion.text)")

    @OptionGroup var options: FeedConfiguration

    static func main() async {
        do {
            let given = Array(CommandLine.arguments.dropFirst())
            let command = try parseAsRoot(try SettingsFile.arguments(for: given) + given)
            if let feed = command as? PortcullisFeed { try await feed.run() } else { var other = command; try other.run() }
        } catch let error as PortcullisError {
            let line = Array("portcullis-feed: \(error)\n".utf8)
            _ = write(2, line, line.count)
            exit(withError: ExitCode(EX_CONFIG))
        } catch { exit(withError: error) }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        Ending.prepare()
        NIOSingletons.groupLoopCountSuggestion = Self.eventLoops
        guard let level = Logger.Level(rawValue: options.logLevel) else { throw ValidationError("log-level: \(options.logLevel) is not one of error, warning, info, debug") }
        LoggingSystem.bootstrap { _ in
            var handler = StreamLogHandler.standardError(label: "portcullis-feed")
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "portcullis-feed")
        let hub = Hub(options, logger)
        hub.start()
        Task {
            await Ending.requested()
            logger.info("ending")
            await hub.outlets.finish()
            // Clients see their connections close; nothing is to be kept.
            Glibc.exit(EXIT_SUCCESS)
        }
        do { try await FeedServer(hub, logger).run() } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
    }
}
#else
@main
struct PortcullisFeed {
    static func main() { print("portcullis-feed: built without the package trait Feed, and so without gRPC: make feed") }
}
#endif
