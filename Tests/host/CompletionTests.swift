import Foundation
import Testing
import TestSupport

extension HostTests {
    /// The completions that are installed, in real shells.
    @Suite(.serialized) struct Completions {
        enum Shell: String, CaseIterable, CustomTestStringConvertible {
            case bash, zsh, fish

            var testDescription: String { rawValue }
            var path: String? { ["/usr/bin/\(rawValue)", "/bin/\(rawValue)"].first { FileManager.default.isExecutableFile(atPath: $0) } }

            /// Starts without anybody's settings, and takes the completions from a directory.
            func start(_ directory: String, _ path: String) -> (command: String, setup: String) {
                switch self {
                case .bash: ("\(path) --norc --noprofile", "PS1='ready> '; source \(directory)/completions")
                case .zsh: ("\(path) -f", "PS1='ready> '; fpath=(\(directory) $fpath); autoload -U compinit; compinit -u -d \(directory)/dump")
                case .fish: ("env XDG_CONFIG_HOME=\(directory) XDG_DATA_HOME=\(directory) \(path) --private --init-command 'function fish_prompt; echo \"ready> \"; end; set -g fish_greeting'", "source \(directory)/completions")
                }
            }
        }

        @Test(.enabled(if: TerminalSession.tmux != nil, "needs tmux"), arguments: Shell.allCases)
        func inARealShell(_ shell: Shell) throws {
            guard let path = shell.path else { try Test.cancel("there is no \(shell.rawValue) here") }
            let scratch = try Scratch(), daemon = try RealDaemon()
            let script = try Command.run(Tree.cli, ["--generate-completion-script", shell.rawValue])
            #expect(script.status == 0 && script.error.isEmpty)
            try scratch.write("completions", script.output)
            try scratch.write("_portcullis", script.output)
            #expect(try daemon.cli(["policy", "apply", "-"], input: Data(CommandLine.policy.utf8)).status == 0)
            // What it proposes are the names of what is on the path.
            try FileManager.default.createSymbolicLink(atPath: scratch.path + "/portcullis", withDestinationPath: Tree.cli)
            let (command, setup) = shell.start(scratch.path, path)
            let session = try TerminalSession("env PATH=\(scratch.path):$PATH \(command)")
            try session.type(setup + "; clear", "Enter")
            try session.wait(for: "ready>")
            // A command, its option, and what only the daemon knows.
            try session.type("portcullis al", "Tab")
            try session.wait(for: "portcullis alerts")
            try session.type("--form", "Tab")
            try session.wait(for: "portcullis alerts --format")
            try session.type("tab", "Tab")
            try session.wait(for: "--format table")
            try session.type("", "C-u")
            try session.type("portcullis policy show --socket \(daemon.controlSocket) default/m", "Tab")
            try session.wait(for: "default/mine")
        }

        @Test(.enabled(if: TerminalSession.tmux != nil, "needs tmux"))
        func aTerminalLeavesNoServer() throws {
            var session: TerminalSession? = try TerminalSession("/bin/sh")
            let server = try #require(try session?.processID())
            #expect(kill(server, 0) == 0)
            session = nil
            #expect(try eventually(10) { kill(server, 0) != 0 }, "tmux \(server) stays")
        }
    }
}
