import ArgumentParser
import Core
import HookWire

/// `portcullis`: the administrator's view of the daemon.
@main
struct Portcullis: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portcullis",
        abstract: "Ask portcullisd what it knows, and tell it what to deny.",
        discussion: """
            Exit status: 0 done; 1 the daemon cannot be reached or refused, or a policy is wrong; 2 nothing matched; 64 wrong usage.
            Shell completions: portcullis --generate-completion-script bash|zsh|fish
            """,
        version: "portcullis \(BuildVersion.text)",
        subcommands: [
            StatusCommand.self, ContainersCommand.self, EventsCommand.self, AlertsCommand.self, LogsCommand.self, SummaryCommand.self, TopCommand.self, PolicyCommand.self,
            ProbeCommand.self, DoctorCommand.self, ReplayCommand.self, PauseCommand.self, ResumeCommand.self, DownCommand.self, UnlockCommand.self,
            InstallCommand.self, UninstallCommand.self,
        ])
}

/// What every subcommand takes.
struct ConnectionOptions: ParsableArguments {
    static let defaultSocket = "/run/portcullis/control.sock"

    @Option(help: ArgumentHelp("The daemon's control socket.", valueName: "path"), completion: .file())
    var socket = Self.defaultSocket

    @Flag(help: "Print JSON, one object a line.")
    var json = false
}

/// Exit codes beyond ArgumentParser's own 64 for wrong usage.
enum Exit {
    static let unreachable = ExitCode(1)
    /// What was asked for is wrong: the same code, since scripts tell only done from not done.
    static let refused = ExitCode(1)
    static let noMatch = ExitCode(2)
    static let unknown = ExitCode(2)
}
