import ArgumentParser
import Core

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Follow what containers do, and what policies deny or report of it.",
        discussion: """
            Events and alerts as KubeArmor words them, as they come; until interrupted, or as many as --limit says. What could not be handed over is said in the
            stream. Of what is kept (--since, --file, --no-follow) portcullis-feed writes the files; with --no-follow no daemon is needed.
            Options of one name are alternatives, of different names both must be met.

            Examples:
              portcullis logs --type policy --namespace shop
              portcullis logs --operation file --result denied --container web
              portcullis logs --since 1h --no-follow --json
              portcullis logs --since 4f1c22ab-00000a3b5c7d9e1f-0
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable { case system, policy, all }

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var filters: FilterOptions
    @OptionGroup var history: HistoryOptions

    @Option(help: "Events, alerts, or both.")
    var type = Kind.all

    @Option(help: "How to print; json and kubearmor are the same here.")
    var format: MessageFormat?

    @Option(help: ArgumentHelp("End after so many.", valueName: "number"))
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on") }
    }

    func run() throws {
        try reportingErrors {
            let printer = MessagePrinter(format ?? (connection.json ? .kubearmor : .compact), filters.filter, limit: limit)
            var follower = MessageFollower(connection.socket, history, alerts: type != .system, logs: type != .policy, printer)
            try follower.run()
        }
    }
}
