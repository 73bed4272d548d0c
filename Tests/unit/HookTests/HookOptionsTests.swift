import Core
import Foundation
import HookWire
import Testing
import TestSupport

/// The hook's configuration file, its lists of namespaces, and what it tells the daemon of its failures.
@Suite struct HookOptionsTests {
    let fixture: HookFixture

    init() throws { fixture = try HookFixture() }

    private func file(_ text: String, mode: mode_t = 0o600) throws -> [String] {
        let path = try fixture.scratch.write("hook.json", text)
        chmod(path, mode)
        return ["--config", path]
    }

    /// A state of a pod of CRI-O's in this namespace.
    private func pod(_ namespace: String) throws -> String {
        let bundle = fixture.scratch.path + "/overlay-containers/c1/userdata"
        try fixture.scratch.write("overlay-containers/c1/userdata/config.json", HookFixture.config)
        return fixture.state(bundle: bundle, annotations: #"{"io.container.manager":"cri-o","io.kubernetes.pod.namespace":"\#(namespace)"}"#)
    }

    @Test(arguments: HookFixture.hooks, [
        (#"{"on-failure":"deny"}"#, "shop", 1), (#"{"on-failure":"deny","allow-namespace":["lab","shop"]}"#, "shop", 0), (#"{"deny-namespace":["shop"]}"#, "shop", 1),
        (#"{"deny-namespace":["shop"]}"#, "lab", 0), (#"{"deny-namespace":["shop"],"allow-namespace":["shop"],"on-failure":"deny"}"#, "shop", 1), ("{}", "shop", 0),
    ])
    func theFileDecidesByNamespace(_ hook: String, _ row: (text: String, namespace: String, status: Int32)) throws {
        let outcome = try fixture.run(hook, pod(row.namespace), file(row.text))
        #expect(outcome.status == row.status, "\(outcome.error)")
        #expect(outcome.error.contains(row.status == 0 ? "let through" : "denied"))
    }

    @Test(arguments: HookFixture.hooks)
    func flagsCountBeforeTheFile(_ hook: String) throws {
        #expect(try fixture.run(hook, fixture.state(), file(#"{"on-failure":"deny"}"#) + ["--on-failure", "allow"]).status == 0)
        #expect(try fixture.run(hook, pod("shop"), file(#"{"allow-namespace":["lab"]}"#) + ["--deny-namespace=shop"]).status == 1)
    }

    @Test(arguments: HookFixture.hooks, [
        (#"{"on-failur":"deny"}"#, "on-failur: unknown setting"), (#"{"on-failure":"maybe"}"#, "--on-failure takes allow or deny"), (#"{"timeout":"1m"}"#, "--timeout takes"),
        (#"{"allow-namespace":"shop"}"#, "has a value of the wrong type, at byte"), ("{", "ends in the middle, at byte"), (#"{"socket":""}"#, "--socket: needs a value"),
        (#"{"config":"/x"}"#, "config: unknown setting"), (#"{"socket":"x"}"#, "--socket takes an absolute path"),
    ])
    func aWrongFileIsSaidAndTheContainerIsRegisteredAllTheSame(_ hook: String, _ row: (text: String, problem: String)) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        let outcome = try fixture.run(hook, fixture.state(), file(row.text))
        #expect(outcome.status == 0 && outcome.error.contains("hook.json") && outcome.error.contains(row.problem), "\(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1 && daemon.messages.count == 1)
    }

    @Test(arguments: HookFixture.hooks)
    func aFileThatOthersMayWriteIsNotBelieved(_ hook: String) throws {
        let outcome = try fixture.run(hook, fixture.state(), file(#"{"on-failure":"deny"}"#, mode: 0o622))
        #expect(outcome.status == 0 && outcome.error.contains("is not believed"), "\(outcome.error)")
        #expect(try fixture.run(hook, fixture.state(), ["--config", fixture.scratch.path + "/none.json"]).error.contains("none.json: no such file"))
    }

    /// `portcullis doctor` reads the file by rules of its own, since the hook is one small program without the rest: both have to agree.
    @Test(arguments: [
        "{}", "", "[]", "{} x", #"{"on-failure":"deny"}"#, #"{"on-failure":"Deny"}"#, #"{"on-failure":true}"#, #"{"on-failure":"deny","on-failure":"deny"}"#, #"{"socket":"/x"}"#, #"{"socket":"x"}"#, #"{"socket":""}"#,
        #"{"socket":"/x\u0000"}"#, #"{"spool":"/s"}"#, #"{"spool":"s"}"#, #"{"replay-program":"/p"}"#, #"{"replay-program":"p"}"#, #"{"agent-annotation":"a=b"}"#, #"{"agent-annotation":"a"}"#, #"{"allow-namespace":["a","b"]}"#,
        #"{"allow-namespace":"a"}"#, #"{"deny-namespace":[""]}"#, #"{"deny-namespace":[]}"#, #"{"timeout":"1ms"}"#, #"{"timeout":"0"}"#, #"{"timeout":"10s"}"#, #"{"timeout":"10"}"#, #"{"timeout":"11"}"#, #"{"timeout":"10001ms"}"#,
        #"{"timeout":"0010000ms"}"#, #"{"timeout":"00000001"}"#, #"{"timeout":"1m"}"#, #"{"timeout":"s"}"#, #"{"timeout":"1 s"}"#, #"{"timeout":2}"#, #"{"config":"/x"}"#, #"{"Socket":"/x"}"#, #"{"timeout":"x","other":1}"#,
    ])
    func doctorSaysWhatTheHookSays(_ text: String) throws {
        let outcome = try fixture.run(Tree.ordinaryHook, fixture.state(), file(text))
        let isTaken = !outcome.error.contains("hook.json")
        #expect((HookSettings.problem(in: Array(text.utf8)) == nil) == isTaken, "\(HookSettings.problem(in: Array(text.utf8)) ?? "nothing"); \(outcome.error)")
    }

    @Test(arguments: HookFixture.hooks)
    func theDaemonIsToldHowARefusedHookEnded(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.sharedNamespaces, "taken"), more: true)
        defer { daemon.stop() }
        #expect(try fixture.run(hook, fixture.state(), ["--on-failure", "deny"]).status == 1)
        #expect(eventually { daemon.frames.count == 2 })
        let report = try #require(try HookReport(decoding: daemon.frames[1][...]))
        #expect(report.containerID == Array("c1".utf8) && report.ending == .denied && report.elapsed > 0)
        #expect(String(decoding: report.problem, as: UTF8.self) == "refused by portcullisd: taken")
        #expect(try (HookMessage(decoding: daemon.frames[0][...])).elapsed > 0)
    }

    @Test(arguments: HookFixture.hooks, [("allow", HookEnding.letThrough), ("deny", .denied)])
    func aSpooledMessageSaysHowItsHookEnded(_ hook: String, _ row: (policy: String, ending: HookEnding)) throws {
        _ = try fixture.run(hook, fixture.state(), ["--on-failure", row.policy])
        let frame = [UInt8](try Data(contentsOf: URL(filePath: fixture.spool + "/c1.frame")))
        #expect(try HookMessage(decoding: frame[4...]).ending == row.ending)
    }

    @Test(arguments: HookFixture.hooks)
    func theSpoolHasABound(_ hook: String) throws {
        try FileManager.default.createDirectory(atPath: fixture.spool, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for number in 0..<4095 { _ = FileManager.default.createFile(atPath: "\(fixture.spool)/\(number).frame", contents: nil) }
        #expect(try fixture.run(hook, fixture.state()).error.contains("; kept in"))
        let full = try fixture.run(hook, fixture.state(id: "c2"))
        #expect(full.status == 0 && full.error.contains("; not kept in \(fixture.spool): it is full"), "\(full.error)")
    }

    /// The agent's own container is told by an annotation; then the host's program is started, and nobody waits for it.
    @Test(arguments: HookFixture.hooks, [("agent=yes", true), ("agent=no", false), ("other=yes", false)])
    func theAgentsOwnContainerStartsTheHostsReplay(_ hook: String, _ row: (annotation: String, starts: Bool)) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        let program = try fixture.scratch.write("replay", "#!/bin/sh\necho \"$@\" >\(fixture.scratch.path)/new; mv \(fixture.scratch.path)/new \(fixture.scratch.path)/said\n")
        chmod(program, 0o755)
        let flags = ["--agent-annotation", "agent=yes", "--replay-program", program]
        let parts = row.annotation.split(separator: "=")
        let outcome = try fixture.run(hook, fixture.state(annotations: #"{"\#(parts[0])":"\#(parts[1])"}"#), flags)
        #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
        if row.starts {
            #expect(eventually { fixture.scratch.exists("said") })
            #expect(try String(contentsOfFile: fixture.scratch.path + "/said", encoding: .utf8).contains("replay --quiet --wait 120s --again 3s --socket \(fixture.socket)"))
        } else {
            #expect(!fixture.scratch.exists("said"))
        }
    }
}
