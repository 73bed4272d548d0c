import Core
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// What the command line does by itself, and what the control socket bears.
    @Suite(.serialized) struct PolicyTools {
        private static let good = """
            apiVersion: security.kubearmor.com/v1
            kind: KubeArmorPolicy
            metadata: {name: p}
            spec:
              selector: {matchLabels: {app: web}}
              process: {matchPaths: [{path: /bin/x}]}
              network: {}
              action: Block

            """

        @Test(arguments: [
            (good, 0, ["f.yaml:7:12: warning: spec.network: ", "f.yaml:1: default/p: 1 rules, "]),
            (good.replacing("/bin/x", with: "bin/x"), 1, ["f.yaml:7:12: warning: ", "f.yaml:6:33: spec.process.matchPaths[0].path: "]),
            (good + "---\n" + good, 1, ["f.yaml:10:1: metadata.name: default/p is defined at f.yaml:1 already"]),
            ("", 1, ["f.yaml:1:1: there is no policy in it"]),
        ] as [(String, Int32, [String])])
        func filesAreCheckedWithoutADaemon(_ text: String, _ status: Int32, _ lines: [String]) throws {
            let scratch = try Scratch()
            try scratch.write("f.yaml", text)
            let outcome = try Command.run(Tree.cli, ["policy", "validate", "f.yaml"], directory: scratch.path)
            #expect(outcome.status == status, "\(outcome.output)")
            for line in lines { #expect(outcome.output.split(separator: "\n").contains { $0.hasPrefix(line) }, "\(line) in \(outcome.output)") }
        }

        @Test func aDirectoryStandsForTheFilesInIt() throws {
            let scratch = try Scratch()
            try scratch.write("d/b.yml", Self.good.replacing("name: p", with: "name: b"))
            try scratch.write("d/a.yaml", Self.good)
            let json = #"{"apiVersion": "security.kubearmor.com/v1", "kind": "KubeArmorClusterPolicy", "metadata": {"name": "c"}, "#
                + #""spec": {"selector": {"matchExpressions": [{"key": "namespace", "operator": "NotIn", "values": ["kube-system"]}]}, "#
                + #""file": {"matchPaths": [{"path": "/etc/secret"}]}, "action": "Block"}}"#
            try scratch.write("d/c.json", json)
            for other in ["d/.hidden.yaml", "d/notes.txt", "d/deeper/x.yaml", "empty/x"] { try scratch.write(other, "no policy") }
            let outcome = try Command.run(Tree.cli, ["policy", "validate", "d", "d/a.yaml", "empty"], directory: scratch.path)
            let places = outcome.output.split(separator: "\n").filter { !$0.contains("warning:") }.map { $0.prefix { $0 != " " } }
            #expect(places == ["d/a.yaml:1:", "d/b.yml:1:", "d/c.json:1:", "d/a.yaml:1:1:", "empty:1:1:"], "\(outcome.output)")
            #expect(outcome.output.contains("c.json:1: _cluster/c: 1 rules") && outcome.output.contains("d/a.yaml:1:1: metadata.name: default/p is defined"))
            #expect(outcome.status == 1)
            #expect(try Command.run(Tree.cli, ["policy", "validate", "d/"], directory: scratch.path).status == 0)
        }

        @Test func aFileThatIsTooLongOrNotThereIsOneProblem() throws {
            let scratch = try Scratch()
            try scratch.write("long.yaml", Data(repeating: 0x23, count: 50 << 20))
            let outcome = try Command.run(Tree.cli, ["policy", "validate", "long.yaml", "none.yaml"], directory: scratch.path)
            #expect(outcome.status == 1 && outcome.seconds < 10)
            #expect(outcome.output.contains("long.yaml:1:1: long.yaml: more than 4 MiB") && outcome.output.contains("none.yaml:1:1: none.yaml: No such file"))
        }

        /// The largest text that may be a policy file goes through the socket whole.
        @Test func aTextOfFourMebibytesIsApplied() throws {
            let daemon = try RealDaemon()
            let comment = String(repeating: "#", count: PolicyParser.fileLimit - Self.good.utf8.count)
            let outcome = try daemon.cli(["policy", "apply", "-"], input: Data((Self.good + comment).utf8))
            #expect(outcome.status == 0 && outcome.output == "default/p added\n", "\(outcome.error)")
        }

        /// Requests that never end cost no more than their bound, and a whole one is still answered.
        @Test func unfinishedRequestsHaveABound() throws {
            let daemon = try RealDaemon()
            let part = [UInt8](repeating: 0x23, count: 4 << 20)
            var header = ControlProtocol.request(.applyPolicies, [])
            withUnsafeBytes(of: UInt32(ControlProtocol.requestLimit).littleEndian) { header.replaceSubrange(0..<4, with: $0) }
            let connections = try (0..<20).map { _ in try #require(Connection(daemon.controlSocket)) }
            for connection in connections {
                connection.send(header)
                connection.send(part)
            }
            #expect(try daemon.cli("status").status == 0)
            // The ones that were silent longest are closed; the last is not.
            #expect(connections[0].waitForEnd())
            let size = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8).split(separator: "\n")
                .first { $0.hasPrefix("VmRSS:") }.flatMap { Int($0.filter(\.isNumber)) }
            #expect(try #require(size) < 100 << 10, "\(size ?? 0) KiB")
        }

        @Test func aRequestThatIsTooLongIsRefused() throws {
            let daemon = try RealDaemon()
            let connection = try #require(Connection(daemon.controlSocket))
            connection.send([0xFF, 0xFF, 0xFF, 0x7F, ControlProtocol.version, ControlProtocol.Command.applyPolicies.rawValue])
            let answer = try #require(connection.receiveFrame())
            #expect(String(decoding: answer.dropFirst(2), as: UTF8.self) == "the request is too long" && connection.waitForEnd())
        }

        @Test func theProbeAgreesWithTheDaemon() throws {
            let daemon = try RealDaemon()
            let outcome = try daemon.cli("probe", "--json", "--daemon", Tree.daemon)
            let findings = try outcome.output.split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String]) }
            func state(_ check: String) -> String? { findings.first { $0["check"] == check }?["state"] }
            let enforces = try #require(try daemon.status()["enforcing"] as? Bool)
            #expect((outcome.status == 0) == enforces && (state("enforcement") == "ok") == enforces && (state("daemon") == "ok") == enforces)
            #expect(state("btf") == "ok" && state("bpffs") == "ok" && findings.contains { $0["check"] == "hook file_open" })
            // And so it does of what there is to be seen, whether a daemon has looked or not.
            let missing = try #require((try daemon.status()["telemetry"] as? [String: Any])?["missing"] as? [String])
            for name in ["process", "file", "network", "capabilities", "dns"] { #expect(state("see \(name)") != nil) }
            #expect((state("see file") == "ok") == !missing.contains { $0.hasPrefix("requests of io_uring") })
            // What stands in the way is named with something to do.
            for finding in findings where finding["state"] == "missing" && finding["check"] != "enforcement" { #expect(finding["advice"]?.isEmpty == false) }
            let text = try daemon.cli("probe", "--daemon", Tree.daemon).output
            #expect(text.contains("runs and ") && text.contains("\nenforcement "))
        }

        @Test func aProbeThatCannotLookSaysSo() throws {
            #expect(try Command.run(Tree.cli, ["probe", "--daemon", "/nonexistent"]).status == 2)
            #expect(try Command.run(Tree.cli, ["probe", "--daemon", "/bin/true"]).status == 2)
        }
    }
}
