import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Real containers of runc, from before their first instruction to after their last.
    @Suite(.serialized) struct LifeOfAContainer {
        static let variants = ["tasks", "hash"]

        @Test(arguments: variants)
        func firstExecAndAllThatFollowsIsItsOwn(_ labels: String) throws {
            let daemon = try RealDaemon(["--label-store", labels])
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon)
            try bundle.setArguments(["/bin/sh", "-c", "/bin/env true; /bin/false; exit 3"])
            let outcome = try bundle.run("one")
            #expect(outcome.status == 3, "\(outcome.error)")
            let seen = try events.wait("one") { $0.contains { $0.type == "exit" && $0.process?.pid == 1 } }
            let execs = seen.filter { $0.type == "exec" }
            #expect(execs.map { $0.process?.first } == [true] + Array(repeating: false, count: execs.count - 1))
            let first = try #require(execs.first?.process)
            #expect(first.executable == "/bin/sh" && first.pid == 1 && first.uid == 0 && first.arguments == ["/bin/sh", "-c", "/bin/env true; /bin/false; exit 3"])
            #expect(execs.dropFirst().compactMap { $0.process?.executable } == ["/bin/env", "/proc/self/exe", "/bin/false"]) // busybox's env runs its applets so
            #expect(execs.dropFirst().allSatisfy { $0.process?.parentPid == 1 && $0.process?.parentComm == "sh" })
            let last = try #require(seen.last { $0.process?.pid == 1 }?.process)
            #expect(last.exitCode == 3 && last.signal == 0)
            #expect(seen.allSatisfy { $0.container?.source == "label" })
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
        }

        @Test(arguments: ["prestart", "createRuntime"])
        func eitherStageServes(_ stage: String) throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            try Bundle(daemon, stage: stage).run("staged")
            let seen = try events.wait("staged") { !$0.isEmpty }
            #expect(seen.first?.process?.first == true && seen.first?.process?.executable == "/bin/true")
        }

        @Test func keysAreReusedAndNothingIsMixedUp() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon)
            let count = Scale.sequential
            for index in 0..<count {
                try bundle.setArguments(["/bin/echo", "run-\(index)-"])
                #expect(try bundle.run("seq-\(index)-").status == 0)
            }
            _ = try events.wait("seq-\(count - 1)-") { $0.contains { $0.type == "exit" } }
            let firsts = try events.all().filter { $0.process?.first == true && $0.container?.id?.hasPrefix("seq-") == true }
            #expect(firsts.count == count)
            // Each container's first exec carries the words that only it was given.
            #expect(firsts.allSatisfy { $0.container?.id == $0.process?.arguments?.last.map { "seq" + $0.dropFirst(3) } })
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
            #expect(try daemon.counter("labelsStale") == 0 && daemon.counter("eventsLost") == 0 && daemon.counter("eventsOfUnknownContainers") == 0)
        }

        @Test func batchesOfEight() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundles = try (0..<8).map { _ in try Bundle(daemon) }
            for round in 0..<Scale.batches {
                for (index, bundle) in bundles.enumerated() { try bundle.setArguments(["/bin/echo", "run-\(round)-\(index)-"]) }
                DispatchQueue.concurrentPerform(iterations: 8) { index in
                    let status = try? bundles[index].run("par-\(round)-\(index)-").status
                    #expect(status == 0)
                }
            }
            let wanted = Scale.batches * 8
            var firsts: [EventStream.Event] = []
            let complete = try eventually {
                firsts = try events.all().filter { $0.process?.first == true && $0.container?.id?.hasPrefix("par-") == true }
                return firsts.count >= wanted
            }
            #expect(complete && firsts.count == wanted)
            #expect(firsts.allSatisfy { $0.container?.id == $0.process?.arguments?.last.map { "par" + $0.dropFirst(3) } })
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
        }

        @Test(arguments: variants)
        func whoEntersIsRecognised(_ labels: String) throws {
            let daemon = try RealDaemon(["--label-store", labels])
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon)
            try bundle.setArguments(["/bin/sleep", "1000"])
            try bundle.runDetached("entered")
            defer { try? bundle.delete("entered") }
            #expect(try bundle.exec("entered", ["/bin/sh", "-c", "/bin/env; exit 7"]).status == 7)
            let pid = try #require(try daemon.containers().first { $0["id"] as? String == "entered" }?["pid"] as? Int)
            _ = try Command.run("/usr/bin/nsenter", ["-t", "\(pid)", "-m", "-p", "/bin/cat", "/dev/null"])
            let seen = try events.wait("entered") { $0.contains { $0.process?.executable == "/bin/cat" } }
            let entered = seen.filter { $0.type == "exec" && $0.process?.entered == true }
            #expect(entered.compactMap { $0.process?.executable } == ["/bin/sh", "/bin/env", "/bin/cat"])
            #expect(seen.contains { $0.type == "exit" && $0.process?.exitCode == 7 })
        }

        @Test func leavingItsNamespacesDoesNotHelp() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon) { config in
                guard var process = config["process"] as? [String: Any], var capabilities = process["capabilities"] as? [String: [String]] else { return }
                for set in capabilities.keys { capabilities[set]?.append("CAP_SYS_ADMIN") }
                process["capabilities"] = capabilities
                config["process"] = process
            }
            try bundle.setArguments(["/bin/unshare", "-m", "/bin/unshare", "-p", "-f", "/bin/env", "true"])
            #expect(try bundle.run("unshared").status == 0)
            let seen = try events.wait("unshared") { $0.contains { $0.process?.executable == "/bin/env" && $0.type == "exec" } }
            #expect(seen.contains { $0.process?.executable == "/bin/env" })
        }

        /// The init has left the mount namespace that its key names; who enters the container is still the container's.
        @Test(arguments: variants)
        func whoEntersAfterTheInitMovedIsRecognised(_ labels: String) throws {
            let daemon = try RealDaemon(["--label-store", labels])
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon) { config in
                guard var process = config["process"] as? [String: Any], var capabilities = process["capabilities"] as? [String: [String]] else { return }
                for set in capabilities.keys { capabilities[set]?.append("CAP_SYS_ADMIN") }
                process["capabilities"] = capabilities
                config["process"] = process
            }
            try bundle.setArguments(["/bin/unshare", "-m", "/bin/sleep", "1000"])
            try bundle.runDetached("moved")
            defer { try? bundle.delete("moved") }
            _ = try events.wait("moved") { $0.contains { $0.process?.executable == "/bin/sleep" } }
            #expect(try bundle.exec("moved", ["/bin/cat", "/dev/null"]).status == 0)
            let seen = try events.wait("moved") { $0.contains { $0.process?.executable == "/bin/cat" } }
            #expect(seen.contains { $0.process?.executable == "/bin/cat" && $0.process?.entered == true })
        }

        /// Hooks of other vendors run in the container's namespaces before it pivots: they are the runtime's, not the container's.
        @Test func setupIsNotTheContainers() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon) { config in
                guard var hooks = config["hooks"] as? [String: Any] else { return }
                hooks["createContainer"] = [["path": "/bin/busybox", "args": ["busybox", "env"]]]
                config["hooks"] = hooks
            }
            #expect(try bundle.run("setup").status == 0)
            let seen = try events.wait("setup") { $0.contains { $0.type == "exit" } }
            #expect(seen.map(\.type) == ["exec", "exit"])
            #expect(seen.first?.process?.executable == "/bin/true" && seen.first?.process?.first == true)
        }

        @Test func longArgumentsAreCutAndMarked() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon)
            try bundle.setArguments(["/bin/true", String(repeating: "x", count: 3_000)])
            #expect(try bundle.run("long").status == 0)
            let exec = try #require(try events.wait("long") { !$0.isEmpty }.first?.process)
            #expect(exec.argumentsCut == true && (exec.arguments ?? []).joined().count > 900)
        }

        /// The init of a container in the host's pid namespace dies; its child lives on, and is still the container's.
        @Test(arguments: variants)
        func whatLingersKeepsItsIdentity(_ labels: String) throws {
            let daemon = try RealDaemon(["--label-store", labels])
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon) { config in
                guard var linux = config["linux"] as? [String: Any], let namespaces = linux["namespaces"] as? [[String: Any]] else { return }
                linux["namespaces"] = namespaces.filter { $0["type"] as? String != "pid" }
                config["linux"] = linux
            }
            try bundle.setArguments(["/bin/sh", "-c", "/bin/setsid /bin/sh -c 'while ! test -e /tmp/go; do /bin/sleep 0.05; done; /bin/env' & /bin/sleep 1000"])
            try bundle.runDetached("lingering")
            defer { try? bundle.delete("lingering") }
            let pid = try #require(try daemon.containers().first?["pid"] as? Int)
            _ = try events.wait("lingering") { $0.filter { $0.process?.executable == "/bin/sleep" }.count >= 2 }
            kill(pid_t(pid), SIGKILL)
            let ended = try eventually { try daemon.containers().first?["state"] as? String == "ended" }
            #expect(ended)
            #expect(try daemon.fill() == [1, 0])
            // A new container must not get the old one's processes.
            let other = try Bundle(daemon)
            try other.setArguments(["/bin/sleep", "1000"])
            try other.runDetached("newcomer")
            defer { try? other.delete("newcomer") }
            try Data().write(to: URL(filePath: bundle.path + "/rootfs/tmp/go"))
            let seen = try events.wait("lingering") { $0.contains { $0.process?.executable == "/bin/env" } }
            #expect(seen.contains { $0.process?.executable == "/bin/env" && $0.container?.source == "label" })
            let gone = try eventually { try daemon.containers().map { $0["id"] as? String } == ["newcomer"] }
            #expect(gone)
        }

        @Test func theShippedHookListWorksInRunc() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let shipped = try #require(try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: Tree.root + "/hooks.d/portcullis.json"))) as? [String: Any])
            #expect(shipped["version"] as? String == "1.0.0")
            let stages = try #require(shipped["stages"] as? [String])
            #expect(stages == ["createRuntime", "poststop"])
            var hook = try #require(shipped["hook"] as? [String: Any])
            let timeout = try #require(hook["timeout"] as? Int)
            // The runtime must not give up on the hook before the hook gives up on the daemon (1 s by default).
            #expect(timeout > 1)
            let shippedArguments = try #require(hook["args"] as? [String])
            hook["path"] = Tree.embeddedHook
            hook["args"] = shippedArguments + ["--socket", daemon.hookSocket]
            let bundle = try Bundle(daemon) { $0["hooks"] = Dictionary(uniqueKeysWithValues: stages.map { ($0, [hook]) }) }
            #expect(try bundle.run("shipped").status == 0)
            #expect(try events.wait("shipped") { !$0.isEmpty }.first?.process?.first == true)
            let removed = try eventually { try daemon.counter("hookFrames") >= 3 }
            #expect(removed)
        }
    }
}

/// How much is run: a part in `make test`, all of it in `make test-long`.
enum Scale {
    static let isLong = ProcessInfo.processInfo.environment["PORTCULLIS_LONG"] == "1"
    static let sequential = isLong ? 1_000 : 200
    static let batches = isLong ? 25 : 6
    static let kills = isLong ? 100 : 10
}
