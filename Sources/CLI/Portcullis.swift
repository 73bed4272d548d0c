import ArgumentParser
import Core
import HookWire

/// `portcullis`: the administrator's view of the daemon.
@main
struct Portcullis: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portcullis",
        abstract: "Ask portcullisd what it knows.",
        discussion: """
            Exit status: 0 done; 1 the daemon cannot be reached or refused; 2 nothing matched; 64 wrong usage.
            Shell completions: portcullis --generate-completion-script bash|zsh|fish
            """,
        version: "portcullis \(BuildVersion.text)",
        subcommands: [StatusCommand.self, ContainersCommand.self, EventsCommand.self, AlertsCommand.self])
}

/// What every subcommand takes.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The daemon's control socket.")
    var socket = "/run/portcullis/control.sock"

    @Flag(help: "Print JSON, one object a line.")
    var json = false
}

/// Exit codes beyond ArgumentParser's own 64 for wrong usage.
enum Exit {
    static let unreachable = ExitCode(1)
    static let noMatch = ExitCode(2)
}
