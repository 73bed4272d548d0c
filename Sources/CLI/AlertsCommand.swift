import ArgumentParser
import Client
import Core
import FoundationEssentials

struct AlertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Follow what policies deny or report.",
        discussion: """
            Until interrupted, or as many as --limit says. BLOCKED was denied, AUDIT was let through because the policy says so, WOULD-BLOCK because enforcement is
            paused or this kernel enforces nothing. --format json, or --json, prints the daemon's own objects, which also have the rule's place in its policy;
            kubearmor prints KubeArmor's. Of what is kept (--since, --file, --no-follow) portcullis-feed writes the files, in KubeArmor's words.

            Examples:
              portcullis alerts --namespace shop --action Block
              portcullis alerts --policy shop/web --format table
              portcullis alerts --since 2h --no-follow --result denied
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var filters: FilterOptions
    @OptionGroup var history: HistoryOptions

    @Option(help: "How to print.")
    var format: MessageFormat?

    @Option(help: ArgumentHelp("End after so many.", valueName: "number"))
    var limit: Int?

    private var chosen: MessageFormat { format ?? (connection.json ? .json : .compact) }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on") }
        guard !history.isWanted || chosen != .json else {
            throw ValidationError("what is kept is in KubeArmor's words: --format kubearmor instead of json")
        }
    }

    func run() throws {
        try reportingErrors {
            // The daemon's own words say more of the rule than KubeArmor's have room for.
            guard history.isWanted || chosen == .table || chosen == .kubearmor else { return try followDaemon() }
            let printer = MessagePrinter(chosen, filters.filter, limit: limit)
            var follower = MessageFollower(connection.socket, history, alerts: true, logs: false, printer)
            try follower.run()
        }
    }

    private func followDaemon() throws {
        let filter = filters.filter
        var left = limit ?? Int.max
        var conversation = try ControlConnection(connection.socket, .alerts)
        while left > 0, let json = try conversation.next() {
            // Nothing is read of what is only passed on.
            if chosen == .json, filter == MessageFilter(), limit == nil {
                Output.line(json)
                continue
            }
            let alert = try JSONDecoder().decode(DaemonAlert.self, from: Data(json))
            guard alert.isLossNotice || filter.matches(alert.filtered) else { continue }
            if !alert.isLossNotice { left -= 1 }
            if chosen == .json { Output.line(json) } else { Output.line(Output.clean(alert.line)) }
        }
    }
}
