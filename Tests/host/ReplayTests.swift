import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Containers that were there before the daemon.
    @Suite(.serialized) struct Replay {
        private func replay(_ daemon: RealDaemon) throws -> [String: Any] { try #require(try daemon.status()["replay"] as? [String: Any]) }

        private func state(_ daemon: RealDaemon) throws -> String { try #require(try replay(daemon)["state"] as? String) }

        @Test func findsWhatRunsAlready() throws {
            let bundle = try Bundle(nil) {
                $0["annotations"] = ["app": "web"]
                guard var process = $0["process"] as? [String: Any] else { return }
                process["capabilities"] = Dictionary(uniqueKeysWithValues: ["bounding", "effective", "permitted"].map { ($0, ["CAP_SYS_ADMIN", "CAP_KILL"]) })
                $0["process"] = process
            }
            // A child, one that leaves the namespaces, and one of its own that is left alone there.
            try bundle.setArguments(["/bin/sh", "-c", "sleep 1000 & unshare -m sh -c 'sleep 1000 & sleep 1000' & exec sleep 1000"])
            try bundle.runDetached("running")
            defer { try? bundle.delete("running") }
            let init_ = try #require(try Self.pid("running", bundle))
            #expect(try eventually { try Self.processes(under: init_).count == 4 }, "the container has not started its processes")
            let waiting = try Bundle(nil)
            try waiting.setArguments(["/bin/sh", "-c", "sleep 1000; true"])
            try waiting.create("created")
            defer { try? waiting.delete("created") }

            let daemon = try RealDaemon(["--replay", "auto", "--replay-roots", "runc=\(bundle.root),runc=\(waiting.root)"])
            #expect(try eventually { try state(daemon) == "done" }, "\(daemon.logText)")
            let found = try daemon.containers()
            let running = try #require(found.first { $0["id"] as? String == "running" })
            #expect(running["tasks"] as? Int == 4, "every process has its label")
            #expect(running["bundle"] as? String == bundle.path)
            #expect((try replay(daemon)["bySource"] as? [String: Int])?["runc"] ?? 0 >= 2)
            #expect(try replay(daemon)["problems"] as? [String] == [])
            let said = try daemon.cli("status").output
            #expect(said.contains("done: 2 registered") && said.contains("found by ") && said.contains("runc "), "\(said)")

            // What is only created is the runtime's until its own first exec.
            let events = try EventStream(daemon)
            try waiting.start("created")
            let seen = try events.wait("created") { $0.contains { $0.type == "exec" && $0.process?.executable == "/bin/sh" } }
            #expect(seen.first { $0.type == "exec" }?.process?.first == true, "\(seen)")
            #expect(try bundle.exec("running", ["/bin/true"]).status == 0)
            #expect(try !events.wait("running") { $0.contains { $0.process?.entered == true } }.isEmpty)

            try bundle.delete("running")
            try waiting.delete("created")
            #expect(try eventually { try daemon.fill() == [0, 0] }, "\(daemon.logText)")
        }

        @Test func asksNoRuntimeForAnything() throws {
            let strace = ["/usr/bin/strace"].first { FileManager.default.isExecutableFile(atPath: $0) }
            guard let strace else { return print("skipped: strace is not installed, so nobody can say what is connected to") }
            let daemon = try RealDaemon(["--replay", "external"])
            let trace = daemon.scratch.path + "/trace"
            let outcome = try Command.run(strace, ["-f", "-e", "trace=connect", "-o", trace, Tree.cli, "replay", "--socket", daemon.hookSocket])
            #expect(outcome.status == 0, "\(outcome.error)")
            let connections = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").filter { $0.contains("connect(") }
            #expect(connections.count == 1 && connections[0].contains(daemon.hookSocket), "\(connections)")
        }

        // MARK: Every order

        /// What happens between the marks of a scan, a step each; the answers to the hook's steps come when they come.
        enum Step: String { case begin, scanAdds, hookAdds, hookRemoves, hookGivesUp, initEnds, end, scannerGoes }

        static let orders: [(steps: [Step], answer: HookAnswer.Code?, remains: Bool)] = [
            ([.begin, .scanAdds, .hookAdds, .end], nil, true),
            ([.begin, .hookAdds, .scanAdds, .end], nil, true),
            ([.hookAdds, .begin, .scanAdds, .end], nil, true),
            ([.begin, .scanAdds, .end, .hookAdds], nil, true),
            ([.hookRemoves, .begin, .scanAdds, .end], .stale, true),
            ([.begin, .hookRemoves, .scanAdds, .end], .stale, true),
            ([.begin, .hookRemoves, .initEnds, .scanAdds, .end], .removed, false),
            ([.hookRemoves, .begin, .initEnds, .scanAdds, .end], .removed, false),
            ([.begin, .scanAdds, .initEnds, .hookRemoves, .end], .removed, false),
            ([.begin, .initEnds, .scanAdds, .hookRemoves, .end], .removed, false),
            ([.begin, .scanAdds, .hookRemoves, .end], .stale, true),
            ([.begin, .hookAdds, .initEnds, .hookRemoves, .scanAdds, .end], .removed, false),
            ([.begin, .hookRemoves, .scannerGoes], .removed, false),
            ([.begin, .hookRemoves, .scanAdds, .scannerGoes], .stale, true),
            ([.begin, .hookRemoves, .hookGivesUp, .initEnds, .scanAdds, .end], nil, false),
            ([.begin, .end, .hookRemoves], .removed, false),
        ]

        @Test(arguments: orders) func anyOrderOfScanAndHook(_ order: (steps: [Step], answer: HookAnswer.Code?, remains: Bool)) throws {
            let daemon = try RealDaemon(["--replay", "external"])
            let pid = pct_hold(pct_new_mount_and_pid())
            var lives = true
            defer { if lives { pct_end(pid) } }
            let label = HookMessage.Annotation(key: Array("from".utf8), value: Array("hook".utf8))
            var hookMessage = try daemon.message("x", pid)
            hookMessage.annotations = [label]
            var scanMessage = try daemon.message("x", pid)
            scanMessage.sources = ReplaySources.runc.rawValue
            scanMessage.hasStarted = true
            var scanner: Connection? = try daemon.connect()
            var hook: Connection?
            for step in order.steps {
                switch step {
                case .begin: #expect(try mark(scanner, .begin) == .noted)
                case .scanAdds:
                    let code = scanner?.ask(scanMessage)?.code
                    #expect(code == (lives ? .registered : .processGone))
                case .hookAdds: #expect(try daemon.connect().ask(hookMessage)?.code == .registered)
                case .hookRemoves:
                    hook = try daemon.connect()
                    hook?.send(HookMessage(operation: .remove, containerID: Array("x".utf8)).encoded())
                    // The daemon has taken it up when somebody who came later is answered.
                    _ = try daemon.status()
                case .hookGivesUp:
                    hook = nil
                    _ = try daemon.status()
                case .initEnds:
                    pct_end(pid)
                    lives = false
                case .end: #expect(try mark(scanner, .end(problems: [Array("a problem".utf8)])) == .noted)
                case .scannerGoes: scanner = nil
                }
            }
            if let hook { #expect(hook.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }?.code == order.answer) }
            #expect(try eventually { try daemon.containers().count == (order.remains ? 1 : 0) }, "\(daemon.logText)")
            if order.remains, order.steps.contains(.hookAdds) {
                // The hook's word, whoever came first: only it has the annotation, which is a label to policies.
                try daemon.scratch.write("web.yaml", Self.policy)
                #expect(try daemon.cli("policy", "apply", daemon.scratch.path + "/web.yaml").status == 0)
                #expect(try daemon.containers().first?["policies"] as? [String] == ["default/web"])
            }
            let broken = order.steps.contains(.scannerGoes)
            #expect(try state(daemon) == (broken ? "failed" : "done"))
            if !broken { #expect(try replay(daemon)["problems"] as? [String] == ["a problem"]) }
        }

        private func mark(_ connection: Connection?, _ mark: ReplayMark) throws -> HookAnswer.Code {
            let connection = try #require(connection)
            connection.send(mark.encoded())
            return try #require(connection.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }).code
        }

        private static let policy = """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: web}
            spec:
              selector: {matchLabels: {from: hook}}
              process: {matchPaths: [{path: /bin/x}]}
              action: Block
            """

        @Test func removesAreCarriedOutInTheirOrder() throws {
            let daemon = try RealDaemon(["--replay", "external"])
            let scanner = try daemon.connect()
            #expect(try mark(scanner, .begin) == .noted)
            let hooks = try (0..<20).map { number in
                let hook = try daemon.connect()
                hook.send(HookMessage(operation: .remove, containerID: Array("x\(number)".utf8)).encoded())
                _ = try daemon.status()
                return hook
            }
            #expect(try replay(daemon)["removesHeld"] as? Int == 20)
            // Another frame behind a held one waits for its turn.
            hooks[0].send(HookMessage(operation: .remove, containerID: Array("y".utf8)).encoded())
            #expect(try mark(scanner, .end(problems: [])) == .noted)
            for hook in hooks + [hooks[0]] { #expect(hook.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }?.code == .removed) }
            #expect(try daemon.counter("removedUnknown") == 21)
        }

        @Test func aProgramThatIsNotThereIsSaidAndHoldsNobodyUp() throws {
            // A daemon of its own directory, with nothing beside it.
            let scratch = try Scratch()
            try FileManager.default.copyItem(atPath: Tree.daemon, toPath: scratch.path + "/portcullisd")
            let daemon = try RealDaemon(["--replay", "auto"], program: scratch.path + "/portcullisd")
            #expect(try state(daemon) == "failed")
            #expect((try replay(daemon)["failure"] as? String)?.contains("there is no portcullis beside") == true)
            #expect(try daemon.remove("x").code == .removed)
        }

        private static func pid(_ id: String, _ bundle: Bundle) throws -> Int32? {
            let state = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: "\(bundle.root)/\(id)/state.json"))) as? [String: Any]
            return (state?["init_process_pid"] as? NSNumber)?.int32Value
        }

        /// A process and all that descend from it.
        private static func processes(under pid: Int32) throws -> [Int32] {
            let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8))?.split(separator: " ").compactMap { Int32($0) } ?? []
            return try [pid] + children.flatMap { try processes(under: $0) }
        }
    }
}
