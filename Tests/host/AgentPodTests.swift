import CTestSupport
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// Containers that share the host's pid namespace and have the daemon's sockets mounted, as the agent's own pods do: which of them are served.
    @Suite(.serialized) struct AgentPods {
        static let containerd = "io.containerd.runtime.v2.task/k8s.io/agent"

        /// A container as Kubernetes would have containerd make it, with the command line in it.
        private func pod(_ daemon: RealDaemon, namespace: String = "portcullis", place: String = containerd) throws -> Bundle {
            let run = daemon.scratch.path + "/run"
            let bundle = try Bundle(daemon, place: place) { config in
                config["annotations"] = ["io.kubernetes.cri.sandbox-namespace": namespace, "io.kubernetes.cri.container-type": "container"]
                if var linux = config["linux"] as? [String: Any], let namespaces = linux["namespaces"] as? [[String: Any]] {
                    linux["namespaces"] = namespaces.filter { $0["type"] as? String != "pid" }
                    config["linux"] = linux
                }
                let programs = [("/portcullis", Tree.cli), ("/portcullis-hook", Tree.embeddedHook), (run, run)]
                let mounts = programs.map { ["destination": $0, "source": $1, "type": "bind", "options": ["bind"]] as [String: Any] }
                config["mounts"] = (config["mounts"] as? [[String: Any]] ?? []) + mounts
                // For what makes namespaces inside.
                guard var process = config["process"] as? [String: Any], var capabilities = process["capabilities"] as? [String: [String]] else { return }
                for set in capabilities.keys { capabilities[set]?.append("CAP_SYS_ADMIN") }
                process["capabilities"] = capabilities
                config["process"] = process
            }
            try bundle.setArguments(["/bin/sleep", "1000"])
            return bundle
        }

        private func status(_ daemon: RealDaemon) -> [String] { ["/portcullis", "status", "--socket", daemon.controlSocket] }

        private func expectRefused(_ outcome: Outcome, _ place: SourceLocation = #_sourceLocation) {
            #expect(outcome.status == 1 && outcome.error.contains("refused: a container's process"), "\(outcome.status) \(outcome.error)", sourceLocation: place)
        }

        @Test(arguments: LifeOfAContainer.variants)
        func theyAreServed(_ labels: String) throws {
            let daemon = try RealDaemon(["--agent-namespace", "portcullis", "--label-store", labels])
            let bundle = try pod(daemon)
            try bundle.setArguments(status(daemon))
            let first = try bundle.run("init")
            #expect(first.status == 0 && first.output.contains("containers"), "\(first.output) \(first.error)")
            try bundle.setArguments(["/bin/sleep", "1000"])
            try bundle.runDetached("pod")
            defer { try? bundle.delete("pod") }
            #expect(try daemon.containers().contains { $0["id"] as? String == "pod" && $0["namespace"] as? String == "portcullis" })
            #expect(try bundle.exec("pod", status(daemon)).status == 0)
            let hook = "echo '{\"id\":\"x\",\"status\":\"stopped\"}' | /portcullis-hook --socket \(daemon.hookSocket) --spool /nonexistent/spool --on-failure deny"
            let said = try bundle.exec("pod", ["/bin/sh", "-c", hook])
            #expect(said.status == 0, "\(said.error)")
            #expect(try daemon.counter("controlClientsOfAgent") == 2 && daemon.counter("hookPeersOfAgent") == 1)
            #expect(try daemon.counter("controlClientsRefused") == 0 && daemon.counter("hookPeersRefused") == 0)
        }

        @Test(arguments: [
            ([], "portcullis", containerd), (["--agent-namespace", "security"], "portcullis", containerd), (["--agent-namespace="], "", containerd),
            // Nobody who is believed has said that namespace.
            (["--agent-namespace", "portcullis"], "portcullis", "srv/k8s.io/agent"),
        ])
        func othersAreNot(_ settings: [String], _ namespace: String, _ place: String) throws {
            let daemon = try RealDaemon(settings)
            let bundle = try pod(daemon, namespace: namespace, place: place)
            try bundle.runDetached("pod")
            defer { try? bundle.delete("pod") }
            expectRefused(try bundle.exec("pod", status(daemon)))
            #expect(try daemon.counter("controlClientsOfAgent") == 0 && daemon.counter("controlClientsRefused") == 1)
        }

        @Test func whatTheyStartIsNot() throws {
            let daemon = try RealDaemon(["--agent-namespace", "portcullis"])
            let bundle = try pod(daemon)
            try bundle.runDetached("pod")
            defer { try? bundle.delete("pod") }
            // Nobody registers it, so it has the label of the container around it.
            expectRefused(try bundle.exec("pod", ["/bin/unshare", "-m"] + status(daemon)))
            let inOwnPids = try bundle.exec("pod", ["/bin/unshare", "-p", "-f"] + status(daemon))
            #expect(inOwnPids.status == 1 && inOwnPids.error.contains("in another pid namespace"), "\(inOwnPids.error)")
            #expect(try bundle.exec("pod", status(daemon)).status == 0)
            #expect(try daemon.counter("controlClientsOfAgent") == 1)
        }

        @Test func theSettingIsReadAgain() throws {
            let daemon = try RealDaemon()
            let bundle = try pod(daemon)
            try bundle.runDetached("pod")
            defer { try? bundle.delete("pod") }
            expectRefused(try bundle.exec("pod", status(daemon)))
            for (namespace, expected) in [("portcullis", Int32(0)), ("''", 1)] {
                try daemon.scratch.write("etc/config.yaml", "agent-namespace: \(namespace)\n")
                let isRead = try eventually { try (daemon.status()["configuration"] as? [String: String])?["agent-namespace"] == (expected == 0 ? namespace : "") }
                #expect(isRead)
                #expect(try bundle.exec("pod", status(daemon)).status == expected)
            }
        }

        @Test func whoOutlivesItsInitIsNot() throws {
            let daemon = try RealDaemon(["--agent-namespace", "portcullis"])
            let bundle = try pod(daemon)
            let shared = daemon.scratch.path + "/run"
            for name in ["go", "end"] { mkfifo("\(shared)/\(name)", 0o600) }
            let left = "read x <\(shared)/go; \(status(daemon).joined(separator: " ")) >\(shared)/said 2>&1; echo over >>\(shared)/said"
            try bundle.setArguments(["/bin/sh", "-c", "/bin/sh -c '\(left)' & read x <\(shared)/end"])
            try bundle.runDetached("pod")
            defer { try? bundle.delete("pod") }
            func tell(_ name: String) throws { #expect(try Command.run("/bin/sh", ["-c", "echo x >\(shared)/\(name)"], timeout: 20).status == 0) }
            try tell("end")
            let hasEnded = try eventually { try daemon.containers().contains { $0["id"] as? String == "pod" && $0["state"] as? String == "ended" } }
            #expect(hasEnded)
            try tell("go")
            var said = ""
            let isOver = eventually { said = (try? String(contentsOfFile: shared + "/said", encoding: .utf8)) ?? ""; return said.hasSuffix("over\n") }
            #expect(isOver && said.contains("refused: a container's process"), "\(said)")
        }
    }
}
