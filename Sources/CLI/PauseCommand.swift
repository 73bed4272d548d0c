import ArgumentParser
import Client
import Core
import FoundationEssentials

/// What became of a pause.
private struct PauseOutcome: Decodable {
    let scope: String
    let seconds, containersPaused, ended: Int
}

/// Whom a pause is about.
struct PauseScope: ParsableArguments {
    @Option(help: "Containers whose id starts so.", completion: Completions.containers)
    var container: String?

    @Option(help: "Containers of this namespace of policies.")
    var namespace: String?

    func validate() throws {
        guard container == nil || namespace == nil else { throw ValidationError("either --container or --namespace") }
        guard container != "", namespace != "" else { throw ValidationError("an empty name pauses nothing") }
    }

    var scope: Pause.Scope { container.map { .container($0) } ?? namespace.map { .namespace($0) } ?? .everything }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "For a while, only report what would be denied.",
        discussion: """
            Of all containers and the host, or of some. It ends by itself, also if the daemon is gone by then; portcullis resume ends it before.
            Alerts about what would have been denied say "Audit (Block)".

            Examples:
              portcullis pause --for 10m --namespace shop
              portcullis pause --for 30s
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var scope: PauseScope

    @Option(name: .customLong("for"), help: "How long: 30s, 10m, 2h; 24h at most.")
    var time: String

    func run() throws {
        try reportingErrors {
            let seconds = try TimeSpan.seconds(time, option: "--for", limit: Pause.longest)
            let item = try ask(connection, PauseRequest(scope: scope.scope, seconds: seconds))
            guard !connection.json else { return Output.line(item) }
            let outcome = try JSONDecoder().decode(PauseOutcome.self, from: Data(item))
            Output.line("paused for \(Duration.text(seconds: seconds)): \(outcome.scope); \(outcome.containersPaused) containers that run are paused now")
        }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End a pause before its time.", 
        discussion: "Without --container or --namespace all pauses end.\n\nExample:\n  portcullis resume --namespace shop")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var scope: PauseScope

    func run() throws {
        try reportingErrors {
            let item = try ask(connection, PauseRequest(scope: scope.scope, seconds: 0))
            guard !connection.json else { return Output.line(item) }
            let outcome = try JSONDecoder().decode(PauseOutcome.self, from: Data(item))
            guard outcome.ended > 0 else {
                Output.complain("portcullis: there is no such pause")
                throw Exit.noMatch
            }
            Output.line("\(outcome.ended) ended; \(outcome.containersPaused) containers are still paused")
        }
    }
}

private func ask(_ options: ConnectionOptions, _ request: PauseRequest) throws(PortcullisError) -> [UInt8] {
    var conversation = try ControlConnection(options.socket, .pause, request.text)
    guard let item = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no answer") }
    return item
}

/// Spans of time as people write them.
enum TimeSpan {
    private static let units = ["s": 1, "m": 60, "h": 3600]

    /// Whole seconds of `30s`, `10m` or `2h`.
    ///
    /// - Throws: `.configuration` for anything else, nothing at all, or more than `limit`.
    static func seconds(_ text: String, option: String, limit: Int) throws(PortcullisError) -> Int {
        guard let unit = text.last.flatMap({ units[String($0)] }), let number = Int(text.dropLast()), number > 0, number <= limit / unit else {
            throw PortcullisError(.configuration, "\(text): \(option) takes a time such as 30s, 10m or 2h, at most \(Duration.text(seconds: limit))")
        }
        return number * unit
    }
}
