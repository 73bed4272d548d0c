import Foundation
import Testing
import TestSupport

/// A terminal of 120 by 30, with a program in it: a person's session.
final class TerminalSession {
    static let tmux = ["/usr/bin/tmux", "/usr/local/bin/tmux"].first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Of the server's socket, which it leaves behind.
    private let scratch: Scratch
    private let program: String

    /// The server stays when its client ends. Whatever it inherits it keeps open, also that by which Foundation learns that a process has ended.
    private static let closing = #"for entry in /proc/self/fd/*; do number=${entry##*/}; [ "$number" -le 2 ] || eval "exec $number>&-"; done; exec "$@""#

    init(_ command: String) throws {
        program = try #require(Self.tmux)
        scratch = try Scratch()
        let arguments = [program, "-S", scratch.path + "/tmux", "-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30", command]
        // A test's thread has signals blocked, which what it starts inherits: a server that never hears of its children's ends does not end itself.
        let started = try Command.run("/usr/bin/env", ["--default-signal", "/bin/bash", "-c", Self.closing, "tmux"] + arguments)
        try #require(started.status == 0, "\(started.error)")
    }

    /// The server's.
    func processID() throws -> pid_t { try #require(pid_t(try tmux("display-message", "-p", "#{pid}").output.trimmingCharacters(in: .newlines))) }

    deinit { try? tmux("kill-server") }

    @discardableResult
    private func tmux(_ arguments: String...) throws -> Outcome { try Command.run(program, ["-S", scratch.path + "/tmux"] + arguments) }

    /// Letters as they are, then keys by their tmux names.
    func type(_ text: String, _ keys: String...) throws {
        if !text.isEmpty { try tmux("send-keys", "-l", "--", text) }
        for key in keys { try tmux("send-keys", key) }
    }

    /// What is to be seen; a line that is wider than the terminal is one.
    func screen() throws -> String { try tmux("capture-pane", "-p", "-J").output }

    /// Waits for it; the screen it is on.
    @discardableResult
    func wait(for text: String, _ place: SourceLocation = #_sourceLocation) throws -> String {
        var screen = ""
        let seen = try eventually {
            usleep(50_000)
            screen = try self.screen()
            return screen.contains(text)
        }
        #expect(seen, "\(text) is not on the screen:\n\(screen)", sourceLocation: place)
        return screen
    }
}
