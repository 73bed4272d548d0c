import ArgumentParser
import Client
import Core

/// What has been kept, and whether to go on with what comes.
struct HistoryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("First what is kept since then: 10m, 2h, 7d ago, an RFC 3339 time, or behind the event of an EventID.", valueName: "when"))
    var since: String?

    @Option(help: ArgumentHelp("The file that portcullis-feed keeps, its rotated ones beside it; - is standard input.", valueName: "file"), completion: .file(extensions: ["jsonl"]))
    var file: String?

    @Flag(help: "Only what is kept; no daemon is needed.")
    var noFollow = false

    /// Whether anything of the past was asked for.
    var isWanted: Bool { since != nil || file != nil || noFollow }
    var path: String { file ?? HistoryFiles.standard }

    func validate() throws { _ = try start() }

    /// Nil: from the first that is kept.
    func start() throws -> HistoryStart? { try Self.start(since) }

    static func start(_ since: String?) throws -> HistoryStart? {
        guard let since else { return nil }
        guard let start = HistoryStart(since, now: LocalNode.now) else {
            throw ValidationError("\(since): --since takes a time such as 10m, 2h or 7d, an RFC 3339 time, or an EventID")
        }
        return start
    }
}
