import CABI
import CLibBPF
import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// What stays in force when something that policies come from is lost.
    @Suite(.serialized) struct PolicyKeeping {
        private func text(_ name: String, _ path: String = "/bin/x", section: String? = nil) -> String {
            """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: \(name), namespace: default}
            spec:
              selector: {matchLabels: {app: web}}
              \(section ?? "process: {matchPaths: [{path: \(path)}]}")
              action: Block

            """
        }

        private func list(_ daemon: RealDaemon, _ key: String) throws -> [String] {
            let enforcement = try #require(try daemon.status()["enforcement"] as? [String: Any])
            return try #require(enforcement[key] as? [String])
        }

        private func rules(_ daemon: RealDaemon, _ policy: String) throws -> String { try daemon.cli("policy", "show", policy).output }

        /// Adds a process as a container with one label and `more` annotations of 100 bytes.
        private func add(_ daemon: RealDaemon, _ id: String, more: Int = 0) throws -> Int32 {
            let pid = pct_hold(pct_new_mount_and_pid())
            var message = try daemon.message(id, pid)
            message.annotations = [HookMessage.Annotation(key: Array("app".utf8), value: Array("web".utf8))]
            for number in 0..<more {
                message.annotations.append(HookMessage.Annotation(key: Array("k\(number)".utf8), value: [UInt8](repeating: 0x61, count: 100)))
            }
            #expect(try daemon.connect().ask(message)?.code == .registered)
            return pid
        }

        private func policies(_ daemon: RealDaemon, of id: String) throws -> [String]? {
            try daemon.containers().first { $0["id"] as? String == id }?["policies"] as? [String]
        }

        /// The policy word in a slot, as the kernel has it.
        private func word(_ daemon: RealDaemon, slot: UInt32) throws -> UInt64 {
            let map = bpf_obj_get(daemon.pins + "/v1/slots")
            try #require(map >= 0)
            defer { close(map) }
            var key = slot
            var value = pc_slot()
            try #require(bpf_map_lookup_elem(map, &key, &value) == 0)
            return value.policy
        }

        @Test(arguments: ["moved", "removed", "replaced"])
        func aPolicyDirectoryThatGoesKeepsItsPoliciesInForce(_ way: String) throws {
            let daemon = try RealDaemon()
            let directory = daemon.scratch.path + "/policies", away = daemon.scratch.path + "/away"
            try daemon.scratch.write("policies/a.yaml", text("one"))
            // It was missing at the start, so the signal has it read; from then on it is watched.
            daemon.signal(SIGHUP)
            let read = try eventually { try rules(daemon, "one").contains("/bin/x") }
            #expect(read)
            let pid = try add(daemon, "selected")
            defer { pct_end(pid) }
            #expect(try policies(daemon, of: "selected") == ["default/one"])
            let before = try word(daemon, slot: 0)
            #expect(before != 0)
            // Stopped, the daemon sees the directory gone as a whole, and not one file after the other.
            daemon.signal(SIGSTOP)
            try #require(rename(directory, away) == 0)
            if way == "removed" { try FileManager.default.removeItem(atPath: away) }
            if way == "replaced" { try daemon.scratch.write("policies", "a file") }
            daemon.signal(SIGCONT)
            let named = try eventually { try list(daemon, "problems").contains { $0.hasPrefix("\(directory):1:1: cannot be read: ") } }
            #expect(named && daemon.logText.contains("what was in force stays so: \(directory):1:1: cannot be read"))
            #expect(try policies(daemon, of: "selected") == ["default/one"])
            #expect(try word(daemon, slot: 0) == before)
            // Back with another version.
            unlink(directory)
            try daemon.scratch.write("policies/a.yaml", text("one", "/bin/y"))
            daemon.signal(SIGHUP)
            let back = try eventually { try list(daemon, "problems").isEmpty && rules(daemon, "one").contains("/bin/y") }
            #expect(back)
            try daemon.scratch.write("policies/a.yaml", text("one", "/bin/z"))
            let watched = try eventually { try rules(daemon, "one").contains("/bin/z") }
            #expect(watched)
        }

        /// A file that no table has room for is wrong when it is read, before any container that it selects starts.
        @Test func aFileThatExceedsTheTableKeepsItsLastGoodVersion() throws {
            let daemon = try RealDaemon()
            try daemon.scratch.write("policies/a.yaml", text("one"))
            daemon.signal(SIGHUP)
            let read = try eventually { try rules(daemon, "one").contains("/bin/x") }
            #expect(read)
            let large = text("one", section: #"file: {matchPatterns: [{pattern: "/**a????????????????????"}, {pattern: "/**b???????????????????"}]}"#)
            let file = try daemon.scratch.write("policies/a.yaml", large)
            let problem = "\(file):1:1: spec: default/one: the policy set needs at least "
            let named = try eventually { try list(daemon, "problems").contains { $0.hasPrefix(problem) } }
            #expect(named && daemon.logText.contains(problem))
            #expect(try rules(daemon, "one").contains("/bin/x"))
            let pid = try add(daemon, "selected")
            defer { pct_end(pid) }
            #expect(try policies(daemon, of: "selected") == ["default/one"])
            // The commands say the same.
            let checked = try Command.run(Tree.cli, ["policy", "validate", file])
            #expect(checked.status == 1 && checked.output.hasPrefix(problem) && checked.output.contains("default/one file.matchPatterns[0]"), "\(checked.output)")
            let applied = try daemon.cli(["policy", "apply", "-"], input: Data(large.replacing("name: one", with: "name: two").utf8))
            #expect(applied.status == 1 && applied.error.contains("default/two: the policy set needs at least "), "\(applied.error)")
        }

        /// What is kept of its message lacks labels, so no other policies are chosen for it, and it is said for whom.
        @Test func aContainerWithCutAnnotationsKeepsItsSet() throws {
            let daemon = try RealDaemon()
            func apply(_ path: String) throws -> Outcome { try daemon.cli(["policy", "apply", "-"], input: Data(text("one", path).utf8)) }
            #expect(try apply("/bin/x").status == 0)
            let wordy = try add(daemon, "wordy", more: 400), plain = try add(daemon, "plain")
            defer {
                pct_end(wordy)
                pct_end(plain)
            }
            let before = try word(daemon, slot: 0)
            #expect(before != 0)
            let changed = try apply("/bin/y")
            #expect(changed.status == 0 && changed.error.contains("a container keeps the policies that it had: wordy: "), "\(changed.error)")
            #expect(!changed.error.contains("plain"))
            #expect(try word(daemon, slot: 0) == before)
            #expect(try word(daemon, slot: 1) != before)
            daemon.kill()
            try daemon.start()
            #expect(try daemon.cli("policy", "delete", "one").status == 0)
            #expect(try word(daemon, slot: 0) == before)
            #expect(try word(daemon, slot: 1) == 0)
            let kept = try list(daemon, "containersWithOlderPolicies")
            let line = try #require(kept.first)
            #expect(kept.count == 1 && line.hasPrefix("wordy: ") && line.hasSuffix("of its annotations are not kept, so its policies cannot be chosen anew"))
        }
    }
}
