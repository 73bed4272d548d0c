import Core
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `logs`, `alerts`, `summary` and `top` against a real daemon and a real container.
    @Suite(.serialized) struct CommandLine {
        static let policy = """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: mine, namespace: default}
            spec:
              severity: 7
              tags: [A, B]
              selector: {matchLabels: {app: demo}}
              process: {matchPaths: [{path: /bin/env}]}
              action: Block

            """

        /// A daemon with the policy, and a container that runs, of which each `exec` of env is an event and an alert.
        final class Scene {
            let daemon: RealDaemon
            private let bundle: Bundle
            let id = "scene-\(UUID().uuidString.prefix(8).lowercased())"

            init() throws {
                daemon = try RealDaemon()
                let applied = try daemon.cli(["policy", "apply", "-"], input: Data(policy.utf8))
                try #require(applied.status == 0, "\(applied.error)")
                bundle = try Bundle(daemon) { $0["annotations"] = ["app": "demo"] }
                try bundle.setArguments(["/bin/sleep", "1000"])
                try bundle.runDetached(id)
            }

            deinit { try? bundle.delete(id) }

            func act() throws { try bundle.exec(id, ["/bin/env"]) }
        }

        /// A reader in the background, whose output goes to a file.
        final class Reader {
            private let process = Process()
            let file: String

            init(_ scene: Scene, _ name: String, _ arguments: String...) throws {
                file = try scene.daemon.scratch.write(name, "")
                process.executableURL = URL(filePath: Tree.cli)
                process.arguments = arguments + ["--socket", scene.daemon.controlSocket]
                process.standardOutput = try FileHandle(forWritingTo: URL(filePath: file))
                try process.run()
            }

            deinit {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }

            func messages() throws -> [KubeArmorMessage] {
                // The last line may be half written.
                try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { try? KubeArmorMessage(json: Array($0.utf8)) }
            }

            /// Makes something happen until it shows: the reader has no other sign that it listens than what it prints.
            func until(_ scene: Scene, _ condition: ([KubeArmorMessage]) -> Bool) throws -> [KubeArmorMessage] {
                var found: [KubeArmorMessage] = []
                let seen = try eventually {
                    try scene.act()
                    found = try messages()
                    return condition(found)
                }
                let text = try String(contentsOfFile: file, encoding: .utf8)
                #expect(seen, "\(text)")
                return found
            }
        }

        @Test func logsAreEventsAndAlertsInKubeArmorsWords() throws {
            let scene = try Scene(), reader = try Reader(scene, "logs", "logs", "--json", "--container", scene.id)
            let messages = try reader.until(scene) { list in list.contains { $0.kind == .alert } && list.contains { $0.kind == .log && $0.processName.contains("env") } }
            #expect(messages.allSatisfy { $0.workload.containerID == scene.id && $0.workload.namespace == "default" })
            let alert = try #require(messages.first { $0.kind == .alert })
            #expect(alert.policyName == "mine" && alert.severity == 7 && alert.tags == ["A", "B"] && alert.operation == "Process" && alert.processName == "/bin/env")
            #expect(EventID(alert.eventID) != nil)
        }

        @Test func aLimitEndsIt() throws {
            let scene = try Scene()
            for (arguments, words) in [
                (["alerts", "--policy", "default/mine"], "policy=default/mine rule=process.matchPaths[0]"), (["alerts", "--format", "table", "--container", scene.id], "RESOURCE"),
                (["alerts", "--json", "--operation", "process"], #""type":"alert""#), (["alerts", "--format", "kubearmor"], #""Type":"MatchedPolicy""#),
                (["logs", "--type", "policy", "--namespace", "default"], " policy=mine "), (["logs", "--type", "system", "--result", "passed"], " PASSED Process "),
            ] {
                let ended = DispatchSemaphore(value: 0), socket = scene.daemon.controlSocket
                nonisolated(unsafe) var outcome: Outcome?
                Thread.detachNewThread {
                    outcome = try? Command.run(Tree.cli, arguments + ["--limit", "1", "--socket", socket], timeout: 30)
                    ended.signal()
                }
                try #require(try eventually(30) { try scene.act(); return ended.wait(timeout: .now()) == .success })
                let found = try #require(outcome)
                #expect(found.status == 0 && found.output.contains(words), "\(arguments): \(found.output) \(found.error)")
                #expect(found.output.split(separator: "\n").count == (arguments.contains("table") ? 2 : 1), "\(found.output)")
            }
        }

        /// Where nothing is enforced an event and the alert that the daemon makes of it have one id.
        private func name(_ message: KubeArmorMessage) -> String { "\(message.kind) \(message.eventID)" }

        /// A reader that keeps what it reads stands for the feed; another one begins with the file and goes on live.
        @Test func whatIsKeptComesFirstAndNothingTwice() throws {
            let scene = try Scene(), keeper = try Reader(scene, "feed.jsonl", "logs", "--json")
            let kept = try keeper.until(scene) { $0.count >= 6 }
            let reader = try Reader(scene, "follower", "logs", "--json", "--since", "1h", "--file", keeper.file)
            let all = try reader.until(scene) { list in list.count >= kept.count && !Set(list.map(name)).isSubset(of: kept.map(name)) }
            // Some more, whatever the order of the two readers.
            for _ in 0..<5 { try scene.act() }
            let last = try keeper.until(scene) { $0.count >= all.count + 6 }
            var names: [String] = []
            #expect(try eventually { names = try reader.messages().map(name); return Set(names).isSuperset(of: last.map(name)) }, "something is missing")
            #expect(names.count == Set(names).count, "something came twice")
        }

        @Test func whatIsKeptNeedsNoDaemon() throws {
            let scene = try Scene(), keeper = try Reader(scene, "feed.jsonl", "logs", "--json")
            let kept = try keeper.until(scene) { list in list.count >= 8 && list.contains { $0.kind == .alert } }
            let lines = try String(contentsOfFile: keeper.file, encoding: .utf8).split(separator: "\n").prefix(kept.count)
            // As a feed rotates them, and with a line that a crash has cut.
            let directory = scene.daemon.scratch
            try directory.write("h/feed.jsonl.2", lines.prefix(3).joined(separator: "\n") + "\n")
            try directory.write("h/feed.jsonl.1", lines[3..<5].joined(separator: "\n") + "\n{\"Timestamp\":17")
            let file = try directory.write("h/feed.jsonl", lines[5...].joined(separator: "\n") + "\n")
            func cli(_ arguments: String...) throws -> Outcome { try Command.run(Tree.cli, arguments + ["--file", file]) }
            let all = try cli("logs", "--no-follow", "--json")
            #expect(all.status == 0 && all.output.split(separator: "\n") == Array(lines))
            #expect(all.error == "portcullis: \(file).1:3: ends in the middle\n")
            let behind = try cli("logs", "--no-follow", "--format", "kubearmor", "--since", kept[3].eventID)
            #expect(behind.output.split(separator: "\n").count < lines.count && !behind.output.contains(kept[3].eventID))
            #expect(try cli("logs", "--no-follow", "--since", "2026-01-01T00:00:00Z", "--limit", "2").output.split(separator: "\n").count == 2)
            #expect(try cli("logs", "--no-follow", "--since", "0000000a-0000000000000001-0").error.contains("nothing is kept of the boot 0000000a"))
            let summary = try cli("summary", "--container", scene.id)
            #expect(summary.status == 0 && summary.output.contains("Workload: default/\(scene.id)") && summary.output.contains("DESTINATION PROCESS PATH"), "\(summary.output)")
            #expect(summary.output.split(separator: "\n").contains { $0.contains("/bin/env") && $0.hasSuffix(" Audit") }, "\(summary.output)")
            let json = try cli("summary", "--json")
            #expect(json.output.contains(#""ContainerID":"\#(scene.id)""#) && json.output.hasSuffix("\"Unreadable\":1}\n"), "\(json.output)")
            // Standard input is a file, too.
            let piped = try Command.run(Tree.cli, ["summary", "--file", "-", "--json"], input: Data(contentsOf: URL(filePath: file)))
            #expect(piped.status == 0 && piped.output.contains(#""Unreadable":0"#))
        }

        @Test func aMissingDaemonIsNamed() throws {
            let nowhere = "/run/portcullis-nowhere/control.sock"
            for command in [["logs"], ["alerts"], ["top"], ["status"], ["events"]] {
                let outcome = try Command.run(Tree.cli, command + ["--socket", nowhere])
                #expect(outcome.status == 1 && outcome.error.contains("cannot reach the daemon at \(nowhere) (is portcullisd running?)"), "\(outcome.error)")
            }
            let outcome = try Command.run(Tree.cli, ["logs", "--no-follow", "--file", "/run/portcullis-nowhere/feed.jsonl"])
            #expect(outcome.status == 1 && outcome.error.contains("cannot read the history in /run/portcullis-nowhere/feed.jsonl: No such file"), "\(outcome.error)")
            let wrong = try Command.run(Tree.cli, ["alerts", "--json", "--no-follow"])
            #expect(wrong.status == 64 && wrong.error.contains("--format kubearmor"))
            #expect(try Command.run(Tree.cli, ["summary", "--since", "soon"]).status == 64)
        }

        @Test func topPrintsBlocksWhereThereIsNoTerminal() throws {
            let scene = try Scene()
            let ended = DispatchSemaphore(value: 0), socket = scene.daemon.controlSocket
            nonisolated(unsafe) var outcome: Outcome?
            Thread.detachNewThread {
                outcome = try? Command.run(Tree.cli, ["top", "--count", "2", "--socket", socket], timeout: 30)
                ended.signal()
            }
            try #require(try eventually(30) { try scene.act(); return ended.wait(timeout: .now()) == .success })
            let text = try #require(outcome).output
            #expect(text.split(separator: "\n").filter { $0.hasPrefix("portcullis top") }.count == 2 && text.contains(scene.id) && text.contains("default/mine"), "\(text)")
            #expect(!text.contains("\u{1B}"))
        }

        @Test(.enabled(if: TerminalSession.tmux != nil, "needs tmux")) func aSessionInATerminal() throws {
            let scene = try Scene(), session = try TerminalSession("/bin/sh")
            try session.type("PS1='ready> '; clear", "Enter")
            try session.wait(for: "ready>")
            try session.type("\(Tree.cli) top --socket \(scene.daemon.controlSocket)", "Enter")
            try session.wait(for: "CONTAINER")
            for _ in 0..<3 { try scene.act() }
            let shown = try session.wait(for: "default/mine")
            #expect(shown.contains("portcullis top") && shown.contains(scene.id) && !shown.contains("ready>"), "\(shown)")
            // It leaves the screen as it was.
            try session.type("q")
            let after = try session.wait(for: "ready>")
            #expect(!after.contains("CONTAINER"), "\(after)")
            try session.type("\(Tree.cli) alerts --limit 1 --socket \(scene.daemon.controlSocket)", "Enter")
            var screen = ""
            #expect(try eventually { try scene.act(); screen = try session.screen(); return screen.contains("rule=process.matchPaths[0]") }, "\(screen)")
        }
    }
}
