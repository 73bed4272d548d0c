import Core
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `portcullis policy` against a real daemon.
    @Suite(.serialized) struct PolicyCommands {
        private func text(_ name: String, _ path: String = "/bin/x", label: String = "app: web") -> String {
            """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: \(name), namespace: default}
            spec:
              selector: {matchLabels: {\(label)}}
              process: {matchPaths: [{path: \(path)}]}
              action: Block

            """
        }

        private func apply(_ daemon: RealDaemon, _ texts: String...) throws -> Outcome {
            try daemon.cli(["policy", "apply", "-"], input: Data(texts.joined(separator: "---\n").utf8))
        }

        private func identities(_ daemon: RealDaemon) throws -> [String] {
            try daemon.cli("policy", "list", "--json").output.split(separator: "\n").map {
                let object = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                return "\(object?["identity"] ?? "") \(object?["source"] ?? "")"
            }
        }

        /// What would lock people out is refused, and what is meant is remembered as such across a restart.
        @Test func aPolicyOfTheHostThatLocksPeopleOutMustBeMeant() throws {
            let daemon = try RealDaemon()
            let harmful = """
                apiVersion: security.kubearmor.com/v1
                kind: KubeArmorHostPolicy
                metadata: {name: lock}
                spec:
                  nodeSelector: {matchLabels: {kubearmor.io/hostname: "*"}}
                  process: {matchPaths: [{path: \(try FileManager.default.destinationOfSymbolicLinkOrItself("/bin/sh"))}]}
                  action: Block
                """
            let refused = try apply(daemon, harmful)
            #expect(refused.status == 1 && refused.error.contains("would lock people out: any program could not run ") && refused.error.contains("--force"), "\(refused.error)")
            #expect(try identities(daemon).isEmpty)
            let file = daemon.scratch.path + "/forced.yaml"
            try harmful.write(toFile: file, atomically: true, encoding: .utf8)
            let forced = try daemon.cli("policy", "apply", "--force", file)
            #expect(forced.status == 0 && forced.output == "_host/lock added\n", "\(forced.error)")
            daemon.kill()
            try daemon.start()
            let enforcement = try #require(try daemon.status()["enforcement"] as? [String: Any])
            #expect((enforcement["host"] as? [String: Any])?["policies"] as? [String] == ["_host/lock"] && (enforcement["problems"] as? [String])?.isEmpty == true)
            #expect(try daemon.cli("policy", "list").output.contains("this host"))
            #expect(try daemon.cli("policy", "delete", "_host/lock").status == 0)
        }

        @Test func whatIsAppliedOutlivesTheDaemonAndWhatIsDeletedDoesNot() throws {
            let daemon = try RealDaemon()
            let applied = try apply(daemon, text("one"), text("two"))
            #expect(applied.status == 0 && applied.output == "default/one added\ndefault/two added\n", "\(applied.error)")
            #expect(applied.error == "note: default/one matches 0 containers: none is running\nnote: default/two matches 0 containers: none is running\n", "\(applied.error)")
            // Root's alone, whole, and nothing else left there.
            let attributes = try FileManager.default.attributesOfItem(atPath: daemon.scratch.path + "/applied")
            #expect(attributes[.posixPermissions] as? Int == 0o700)
            #expect(try FileManager.default.subpathsOfDirectory(atPath: daemon.scratch.path + "/applied").sorted() == ["default", "default/one", "default/two"])
            daemon.kill()
            try daemon.start()
            #expect(try identities(daemon) == ["default/one applied", "default/two applied"])
            #expect(try daemon.cli("policy", "delete", "one").output == "default/one deleted\n")
            #expect(try apply(daemon, text("two", "/bin/y")).output == "default/two changed\n")
            daemon.kill()
            try daemon.start()
            #expect(try identities(daemon) == ["default/two applied"])
            #expect(try daemon.cli("policy", "show", "default/two").output.contains("Block process /bin/y"))
            #expect(try daemon.cli("policy", "delete", "default/two").status == 0)
            #expect(try FileManager.default.subpathsOfDirectory(atPath: daemon.scratch.path + "/applied").isEmpty)
        }

        @Test func aTextWithAnErrorChangesNothing() throws {
            let daemon = try RealDaemon()
            #expect(try apply(daemon, text("one")).status == 0)
            let refused = try apply(daemon, text("one", "/bin/other"), text("two", "relative"))
            #expect(refused.status == 1 && refused.output.isEmpty)
            #expect(refused.error.contains("(standard input):14:33: spec.process.matchPaths[0].path: "), "\(refused.error)")
            #expect(try identities(daemon) == ["default/one applied"])
            #expect(try daemon.cli("policy", "show", "one").output.contains("Block process /bin/x"))
            let unknown = try daemon.cli("policy", "delete", "two")
            #expect(unknown.status == 1 && unknown.error.contains("there is no policy default/two"))
            #expect(try daemon.cli("policy", "show", "two").error.contains("there is no such policy"))
        }

        @Test func aRuleOfSystemCallsIsShownWithItsCallAndPlace() throws {
            let daemon = try RealDaemon()
            let calls = """
                apiVersion: security.kubearmor.com/v1
                kind: KubeArmorPolicy
                metadata: {name: calls}
                spec:
                  selector: {matchLabels: {app: x}}
                  syscalls:
                    matchSyscalls: [{syscall: [setuid]}]
                    matchPaths: [{syscall: [unlink], path: /etc/, recursive: true}]
                  action: Audit

                """
            let applied = try apply(daemon, calls)
            #expect(applied.status == 0, "\(applied.error)")
            let shown = try daemon.cli("policy", "show", "calls").output
            #expect(shown.contains("Audit syscalls setuid ") && shown.contains("Audit syscalls unlink /etc/ (recursive) "), "\(shown)")
        }

        @Test func aFilesPolicyIsNotAppliedOver() throws {
            let daemon = try RealDaemon()
            try daemon.scratch.write("policies/a.yaml", text("one"))
            chmod(daemon.scratch.path + "/policies/a.yaml", 0o600)
            daemon.kill()
            try daemon.start()
            #expect(try identities(daemon) == ["default/one file"])
            #expect(try apply(daemon, text("one", "/bin/y")).error.contains("is defined at \(daemon.scratch.path)/policies/a.yaml:1 already"))
            #expect(try daemon.cli("policy", "delete", "one").error.contains("it must be taken out there"))
        }

        /// Nothing is in force that would be gone after a restart.
        @Test func whatCannotBeStoredIsRefused() throws {
            let daemon = try RealDaemon()
            let directory = daemon.scratch.path + "/applied"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            chmod(directory, 0o755)
            let refused = try apply(daemon, text("one"))
            #expect(refused.status == 1 && refused.error.contains("cannot be stored: \(directory) is not a directory of ours alone"), "\(refused.error)")
            #expect(try identities(daemon).isEmpty)
            chmod(directory, 0o700)
            #expect(try apply(daemon, text("one")).status == 0)
        }

        /// A broken store is a problem that is named, and the rest of it counts.
        @Test func aStoredFileThatCannotBeReadIsNamed() throws {
            let daemon = try RealDaemon()
            #expect(try apply(daemon, text("one"), text("two")).status == 0)
            daemon.kill()
            try daemon.scratch.write("applied/default/two", "{")
            try daemon.scratch.write("applied/.new-0", "left by a daemon that died")
            try daemon.start()
            #expect(try identities(daemon) == ["default/one applied"])
            let status = try daemon.cli("status").output
            #expect(status.contains("applied/default/two:"), "\(status)")
            #expect(!daemon.scratch.exists("applied/.new-0"))
            #expect(try daemon.cli("policy", "delete", "two").status == 0)
            #expect(try !daemon.cli("status").output.contains("Problems"))
        }

        @Test func aContainerIsCountedWithThePoliciesItHas() throws {
            let daemon = try RealDaemon()
            #expect(try apply(daemon, text("mine", label: "app: demo"), text("other")).status == 0)
            let bundle = try Bundle(daemon) { $0["annotations"] = ["app": "demo"] }
            try bundle.setArguments(["/bin/sleep", "100"])
            try bundle.runDetached("selected")
            defer { try? bundle.delete("selected") }
            let list = try daemon.cli("policy", "list").output.split(separator: "\n").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
            #expect(list == ["POLICY CONTAINERS", "default/mine 1", "default/other 0"])
            #expect(try daemon.cli("policy", "show", "mine").output.contains("containers  1: selected"))
        }

        /// Where nothing is enforced, what would have been denied is said, from the container's first instruction on, and after a restart.
        @Test func anObserverSaysWhatWouldHaveBeenDenied() throws {
            let daemon = try RealDaemon()
            let enforces = try #require(try daemon.status()["enforcing"] as? Bool)
            try #require(!enforces, "this kernel enforces: nothing is left to observe")
            #expect(try apply(daemon, text("mine", "/bin/env", label: "app: demo")).status == 0)
            daemon.kill()
            try daemon.start()
            let output = try daemon.scratch.write("alerts", "")
            let reader = Process()
            reader.executableURL = URL(filePath: Tree.cli)
            reader.arguments = ["alerts", "--json", "--socket", daemon.controlSocket]
            reader.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
            try reader.run()
            defer { kill(reader.processIdentifier, SIGKILL); reader.waitUntilExit() }
            let bundle = try Bundle(daemon) { $0["annotations"] = ["app": "demo"] }
            try bundle.setArguments(["/bin/env"])
            var text = ""
            // The reader has no other sign that it listens than what it prints.
            let seen = try eventually {
                try bundle.run("observed")
                text = try String(contentsOfFile: output, encoding: .utf8)
                return text.contains("\n")
            }
            #expect(seen && text.contains(#""action":"Audit (Block)","result":"Passed","enforcer":"observer""#), "\(text)")
            #expect(text.contains(#""path":"/bin/env""#) && text.contains(#""policy":"mine""#))
            #expect(try daemon.counter("alertsObserved") > 0)
            #expect(try daemon.cli("status").output.contains("NO, only observing"))
        }
    }
}

extension FileManager {
    /// Where a path leads, which is what rules name.
    fileprivate func destinationOfSymbolicLinkOrItself(_ path: String) throws -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
