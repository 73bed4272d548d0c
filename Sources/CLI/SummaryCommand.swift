import ArgumentParser
import Core

struct SummaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary", abstract: "Count what each workload did: processes, files, connections.",
        discussion: """
            Reads what portcullis-feed keeps; it needs no daemon. For each container: which process started which, which files were opened, connections out and in,
            sockets bound, how often, when last, and what became of it: Allow, Audit (a policy reports it), Deny, or Fail (it came to nothing for another reason).

            Examples:
              portcullis summary --namespace shop --since 24h
              portcullis summary --container web --json
              zcat feed.jsonl.gz | portcullis summary --file -
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(help: "How to print.")
    var format: Format?

    @Flag(help: "The same as --format json: one object for each workload, and one that says what is in none.")
    var json = false

    @Option(name: .customLong("namespace"), help: ArgumentHelp("Only of containers in this namespace.", valueName: "name"))
    var namespaces: [String] = []

    @Option(name: .customLong("pod"), help: ArgumentHelp("Only of this pod's containers.", valueName: "name"))
    var pods: [String] = []

    @Option(
        name: .customLong("container"), help: ArgumentHelp("Only of containers with this name, or whose id starts so.", valueName: "container"),
        completion: Completions.containers)
    var containers: [String] = []

    @Option(help: ArgumentHelp("Only what is kept since then: 10m, 2h, 7d ago, an RFC 3339 time, or behind the event of an EventID.", valueName: "when"))
    var since: String?

    @Option(help: ArgumentHelp("The file that portcullis-feed keeps, its rotated ones beside it; - is standard input.", valueName: "file"), completion: .file(extensions: ["jsonl"]))
    var file = HistoryFiles.standard

    func validate() throws { _ = try HistoryOptions.start(since) }

    func run() throws {
        try reportingErrors {
            var filter = MessageFilter()
            (filter.namespaces, filter.pods, filter.containers) = (namespaces, pods, containers)
            var summary = WorkloadSummary(), files = HistoryFiles(), selection = HistorySelection(from: try HistoryOptions.start(since))
            func take(_ message: KubeArmorMessage) -> Bool {
                if selection.takes(message), filter.matches(message) { summary.take(message) }
                return true
            }
            try files.read(file, take)
            files.end(take)
            if json || format == .json {
                for workload in summary.workloads { Output.line(summary.json(workload)) }
                Output.line(summary.closingJSON(unreadable: files.unreadable))
            } else {
                for workload in summary.workloads { show(summary, workload) }
                if summary.workloads.isEmpty { Output.line("nothing is kept of such workloads") }
            }
            if summary.lost > 0 { Output.complain("portcullis: \(summary.lost) messages were lost before they were kept: the counts are too low") }
            if summary.held > 0 { Output.complain("portcullis: \(summary.held) alerts were held back by a throttle: they are in no row") }
            if summary.beyondLimit > 0 { Output.complain("portcullis: \(summary.beyondLimit) messages are in no row: there are \(WorkloadSummary.rowLimit) already") }
        }
    }

    private func show(_ summary: WorkloadSummary, _ workload: WorkloadSummary.Workload) {
        let id = summary.containerID(of: workload)
        if id.isEmpty {
            Output.line("Host")
        } else {
            let names = [workload.namespace, workload.pod, workload.container].filter { !$0.isEmpty }.map { $0 == id ? MessageText.shortID($0) : $0 }
            let image = summary.image(of: workload), labels = summary.labels(of: workload)
            let more = (workload.container == id ? [] : [MessageText.shortID(id)]) + [image, labels].filter { !$0.isEmpty }
            Output.line(Output.clean("Workload: \(names.joined(separator: "/"))" + (more.isEmpty ? "" : "  (\(more.joined(separator: "  ")))")))
        }
        for section in WorkloadSummary.Section.allCases {
            let rows = summary.rows(of: workload, section)
            guard !rows.isEmpty else { continue }
            Output.line("\n\(section.title)")
            var table = Table(section.columns)
            for row in rows { table.add(section.cells(row)) }
            table.print()
        }
        Output.line("")
    }
}

extension WorkloadSummary.Section {
    fileprivate var title: String {
        switch self {
        case .processes: "Process Data"
        case .files: "File Data"
        case .outgoing: "Outgoing Connections"
        case .incoming: "Incoming Connections"
        case .binds: "Binds"
        case .sockets: "Sockets"
        case .others: "Others"
        }
    }

    fileprivate var columns: [String] {
        let first = switch self {
        case .processes: ["SRC PROCESS", "DESTINATION PROCESS PATH"]
        case .files: ["SRC PROCESS", "DESTINATION FILE PATH"]
        case .outgoing, .incoming: ["PROTOCOL", "COMMAND", "REMOTE ADDRESS", "PORT"]
        case .binds: ["PROTOCOL", "COMMAND", "BIND ADDRESS", "PORT"]
        case .sockets: ["PROTOCOL", "COMMAND"]
        case .others: ["SRC PROCESS", "WHAT"]
        }
        return first + ["COUNT", "LAST UPDATED TIME", "STATUS"]
    }

    fileprivate func cells(_ row: WorkloadSummary.Row) -> [String] {
        let first = switch self {
        case .processes, .files, .others: [row.source, row.target]
        case .outgoing, .incoming, .binds: [row.protocolName, row.source, row.target, row.port]
        case .sockets: [row.protocolName, row.source]
        }
        return first + ["\(row.count)", row.lastSeen, row.status.rawValue]
    }
}
