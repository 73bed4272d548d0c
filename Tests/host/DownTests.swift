import Foundation
import Testing
import TestSupport

extension HostTests {
    /// The administrator's ways out.
    @Suite(.serialized) struct Down {
        private func pauses(_ daemon: RealDaemon) throws -> [[String: Any]] {
            let enforcement = try #require(try daemon.status()["enforcement"] as? [String: Any])
            return try #require(enforcement["pauses"] as? [[String: Any]])
        }

        @Test func pausesAreListedAndEnd() throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "paused-one")
            defer { held.end() }
            let begun = try daemon.cli("pause", "--for", "10m", "--container", "paused")
            #expect(begun.status == 0 && begun.output.contains("container paused; 1 containers"), "\(begun.error)")
            #expect(try pauses(daemon).map { $0["scope"] as? String } == ["container paused"])
            #expect(try daemon.cli("status").output.contains("container paused, until "))
            #expect(try daemon.cli("resume", "--namespace", "shop").status == 2)
            #expect(try daemon.cli("resume").status == 0)
            #expect(try pauses(daemon).isEmpty)
            #expect(try daemon.cli("pause", "--for", "1s").status == 0)
            #expect(try eventually { try pauses(daemon).isEmpty }, "a pause has to end by itself")
            #expect(daemon.logText.contains("a pause of enforcement has ended"))
            // A daemon that comes after takes note of one that is under way.
            #expect(try daemon.cli("pause", "--for", "10m").status == 0)
            daemon.kill()
            try daemon.start()
            #expect(try pauses(daemon).contains { $0["scope"] as? String == "everything" })
        }

        @Test(arguments: [["--for", "25h"], ["--for", "x"], ["--for", "10m", "--container", "a", "--namespace", "b"], []])
        func wrongPausesAreRefused(_ arguments: [String]) throws {
            let daemon = try RealDaemon()
            #expect(try daemon.cli(["pause"] + arguments).status != 0)
            #expect(try pauses(daemon).isEmpty)
        }

        @Test(arguments: [false, true]) func nothingIsLeftAfterDownRemove(_ isDead: Bool) throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "left")
            defer { held.end() }
            if isDead { daemon.kill() }
            var arguments = ["down", "--remove", "--daemon", Tree.daemon]
            if isDead { arguments += ["--bpf-directory", daemon.pins + "/v1"] }
            let outcome = try daemon.cli(arguments)
            #expect(outcome.status == 0 && outcome.output.contains("nothing is enforced"), "\(outcome.error)")
            #expect(!FileManager.default.fileExists(atPath: daemon.pins + "/v1"))
        }

        @Test func downLeavesTheKernelSide() throws {
            let daemon = try RealDaemon()
            #expect(try daemon.cli("down").status == 0)
            #expect(FileManager.default.fileExists(atPath: daemon.pins + "/v1/slots"))
            #expect(try daemon.cli("down").status == 1, "there is none that could stop")
            // Whoever works with the pins keeps them.
            try daemon.start()
            let outcome = try Command.run(Tree.daemon, ["--remove", "--bpf-directory", daemon.pins + "/v1"])
            #expect(outcome.status == 1 && outcome.error.contains("another portcullisd works with the pins"), "\(outcome.error)")
        }
    }
}
