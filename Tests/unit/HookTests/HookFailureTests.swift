import Foundation
import HookWire
import Testing
import TestSupport

/// The daemon is away, silent, hostile or says no.
@Suite struct HookFailureTests {
    let fixture: HookFixture

    init() throws { fixture = try HookFixture() }

    private var spooled: [String] { (try? FileManager.default.contentsOfDirectory(atPath: fixture.spool)) ?? [] }

    @Test(arguments: HookFixture.hooks)
    func spoolsWhileTheDaemonIsAway(_ hook: String) throws {
        let outcome = try fixture.run(hook, fixture.state())
        #expect(outcome.status == 0)
        #expect(outcome.error.contains("no answer from portcullisd") && outcome.error.contains("; kept in \(fixture.spool);"), "\(outcome.error)")
        #expect(spooled == ["c1.frame"])
        let file = fixture.spool + "/c1.frame"
        let frame = [UInt8](try Data(contentsOf: URL(filePath: file)))
        #expect(try HookMessage(decoding: frame[4...]).operation == .add)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // A later message about the container takes the place of the earlier one: a remove is never followed by its add.
        _ = try fixture.run(hook, #"{"id":"c1","status":"stopped"}"#)
        let later = [UInt8](try Data(contentsOf: URL(filePath: file)))
        #expect(try HookMessage(decoding: later[4...]).operation == .remove)
        #expect(spooled == ["c1.frame"])
    }

    @Test(arguments: HookFixture.hooks)
    func deniesWhenToldTo(_ hook: String) throws {
        let outcome = try fixture.run(hook, fixture.state(), ["--on-failure=deny"])
        #expect(outcome.status == 1 && outcome.error.contains("denied (--on-failure deny)") && spooled == ["c1.frame"])
    }

    @Test(arguments: HookFixture.hooks)
    func letsAllowedNamespacesThrough(_ hook: String) throws {
        // The namespace is CRI-O's only in a bundle of CRI-O's: the same annotations elsewhere say nothing.
        let bundle = fixture.scratch.path + "/overlay-containers/c1/userdata"
        try fixture.scratch.write("overlay-containers/c1/userdata/config.json", HookFixture.config)
        let annotations = #"{"io.container.manager":"cri-o","io.kubernetes.pod.namespace":"agents"}"#
        let flags = ["--on-failure", "deny", "--allow-namespace", "other", "--allow-namespace", "agents"]
        let crio = try fixture.run(hook, fixture.state(bundle: bundle, annotations: annotations), flags)
        #expect(crio.status == 0 && crio.error.contains("--allow-namespace"), "\(crio.error)")
        #expect(try fixture.run(hook, fixture.state(annotations: annotations), flags).status == 1)
    }

    @Test(arguments: HookFixture.hooks)
    func aSilentDaemonCostsNoMoreThanTheDeadline(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .silent)
        defer { daemon.stop() }
        let outcome = try fixture.run(hook, fixture.state(), ["--timeout", "100ms"])
        #expect(outcome.status == 0 && outcome.error.contains("no answer in time; kept in"), "\(outcome.error)")
        // The bar of 50 ms is the benchmark's; here a loaded machine must not fail it, and a hook that ignores its deadline must.
        #expect(outcome.seconds >= 0.1 && outcome.seconds < 5)
    }

    @Test(arguments: HookFixture.hooks, [
        FakeDaemon.Behaviour.hangUp, .garbage([]), .garbage([0xFF, 0xFF, 0xFF, 0xFF]), .garbage([4, 0, 0, 0, 9, 9, 9, 9]),
        .garbage([3, 0, 0, 0, 1, 0x81, 0]), .garbage(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
    ])
    func aStrangeAnswerIsNoAnswer(_ hook: String, _ behaviour: FakeDaemon.Behaviour) throws {
        let daemon = FakeDaemon(fixture.socket, behaviour)
        defer { daemon.stop() }
        let outcome = try fixture.run(hook, fixture.state(), ["--on-failure", "deny"])
        #expect(outcome.status == 1 && spooled == ["c1.frame"], "\(outcome.error)")
    }

    /// Whoever starts the hook may have closed its standard descriptors, or stopped reading them.
    @Test(arguments: HookFixture.hooks)
    func closedDescriptorsChangeNothing(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        let run = "\(hook) --socket \(fixture.socket) --spool \(fixture.spool)"
        let noInput = try Command.run("/bin/bash", ["-c", "exec \(run) <&-"])
        #expect(noInput.status == 0 && noInput.error.contains("standard input is closed"), "\(noInput.error)")
        #expect(try Command.run("/bin/bash", ["-c", "exec \(run) 2>&-"], input: Data("x".utf8)).status == 0)
        #expect(try Command.run("/bin/bash", ["-c", "{ sleep 0.2; echo x; } | \(run) 2>&1 | true; exit ${PIPESTATUS[1]}"]).status == 0)
        #expect(daemon.messages.isEmpty)
    }

    @Test(arguments: HookFixture.hooks)
    func aRefusalIsPassedOnAndNotSpooled(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.sharedNamespaces, "shared with\nsomeone"))
        defer { daemon.stop() }
        let outcome = try fixture.run(hook, fixture.state(), ["--on-failure", "deny"])
        #expect(outcome.status == 1 && outcome.error.contains("refused by portcullisd: shared with?someone"), "\(outcome.error)")
        #expect(spooled.isEmpty)
    }

    @Test(arguments: HookFixture.hooks)
    func aSpoolThatIsNotOursIsNotUsed(_ hook: String) throws {
        try FileManager.default.createDirectory(atPath: fixture.spool, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
        chmod(fixture.spool, 0o777)
        let open = try fixture.run(hook, fixture.state())
        #expect(open.error.contains("not kept in \(fixture.spool): not permitted") && spooled.isEmpty, "\(open.error)")
        try FileManager.default.removeItem(atPath: fixture.spool)
        try fixture.scratch.write("spool", "a file")
        #expect(try fixture.run(hook, fixture.state()).error.contains("not a directory"))
    }

    @Test(arguments: HookFixture.hooks, [
        (["--timeout", "0"], "--timeout takes 1ms to 10s"), (["--timeout", "11s"], "--timeout takes"), (["--timeout", "1m"], "--timeout takes"),
        (["--on-failure", "maybe"], "--on-failure takes allow or deny"), (["--socket", "x"], "absolute path"), (["--spool"], "needs a value"),
        (["--what"], "--what: unknown option"), (["extra"], "extra: unknown option"), (["--spool", "rel"], "absolute path"),
    ])
    func wrongUsageIsNamed(_ hook: String, _ usage: ([String], String)) throws {
        let outcome = try Command.run(hook, usage.0)
        #expect(outcome.status == 2 && outcome.error.contains(usage.1), "\(outcome.error)")
    }

    @Test(arguments: HookFixture.hooks)
    func saysWhatItIs(_ hook: String) throws {
        #expect(try Command.run(hook, ["--version"]).output == "portcullis-hook \(BuildVersion.text)\n")
        let help = try Command.run(hook, ["--help"])
        #expect(help.status == 0)
        for flag in ["--socket", "--timeout", "--on-failure", "--allow-namespace", "--spool", "--version"] { #expect(help.output.contains(flag)) }
    }

    /// Real documents of real runtimes.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: Tree.samples), "no captured documents beside this tree"))
    func readsCapturedDocuments() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Tree.samples)
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        var tried = 0
        for name in names where name.hasSuffix("-config.json") {
            try fixture.config(Data(contentsOf: URL(filePath: "\(Tree.samples)/\(name)")))
            let outcome = try fixture.run(Tree.embeddedHook, fixture.state())
            #expect(outcome.status == 0 && outcome.error.isEmpty, "\(name): \(outcome.error)")
            #expect(daemon.messages.last?.annotations.isEmpty == false && daemon.messages.last?.argument0.isEmpty == false, "\(name)")
            tried += 1
        }
        for name in names where name.contains("-hook-") && name.hasSuffix("-state.json") {
            // Their processes and bundles are long gone; the state itself must read.
            let outcome = try fixture.run(Tree.embeddedHook, Data(contentsOf: URL(filePath: "\(Tree.samples)/\(name)")))
            #expect(!outcome.error.contains("standard input"), "\(name): \(outcome.error)")
            tried += 1
        }
        #expect(tried > 10)
    }
}
