import Core
import HookWire
import Testing

/// What `portcullis doctor` says of what it has read.
@Suite struct DoctorTests {
    private static let status = #"""
        {"version":"1","enforcement":{"active":true,"reason":"","reduced":false,"missing":[],"policies":2,"policyFilesLeftOut":0,"problems":[],"containersWithOlderPolicies":[],
         "selfProtection":{"on":true,"reason":"","unlocked":false},"pauses":[]},"kernel":{"pins":"/p","missingPins":[]},"replay":{"state":"done","failure":"","problems":[]},
         "counters":{"added":9,"alertsLost":0},"configuration":{"file":"/c","problem":""}}
        """#

    private func report(_ status: String, version: String = "1") throws -> DoctorReport {
        var report = DoctorReport()
        report.addStatus(try JSONDocument(Array(status.utf8)), version: version)
        return report
    }

    @Test func aDaemonThatIsWell() throws {
        let report = try report(Self.status)
        #expect(report.findings.allSatisfy { $0.state == .ok && $0.advice.isEmpty } && !report.hasFailed, "\(report.lines)")
        #expect(report.findings.map(\.check) == ["daemon", "configuration", "pins", "enforcement", "self-protection", "policies", "replay", "counters"])
    }

    /// One thing at a time; each is one finding, and the rest stays as it was.
    @Test(arguments: [
        ("\"version\":\"1\"", "\"version\":\"2\"", "daemon", DoctorReport.State.warn, "portcullisd is 2"),
        ("\"problem\":\"\"", "\"problem\":\"line 3\"", "configuration", .fail, "line 3"), ("\"missingPins\":[]", "\"missingPins\":[\"fork\"]", "pins", .fail, "gone: fork"),
        ("\"active\":true,\"reason\":\"\"", "\"active\":false,\"reason\":\"no lsm\"", "enforcement", .fail, "only observing: no lsm"),
        ("\"missing\":[]", "\"missing\":[\"file_open\"]", "enforcement", .warn, "file_open"), ("\"on\":true,\"reason\":\"\"", "\"on\":false,\"reason\":\"why\"", "self-protection", .warn, "why"),
        ("\"unlocked\":false", "\"unlocked\":true", "self-protection", .warn, "unlocked"), ("\"policies\":2", "\"policies\":0", "policies", .warn, "none"),
        ("\"policies\":2,\"policyFilesLeftOut\":0,\"problems\":[]", "\"policies\":2,\"policyFilesLeftOut\":0,\"problems\":[\"a.yaml:1\"]", "policies", .warn, "a.yaml:1"),
        ("\"policyFilesLeftOut\":0", "\"policyFilesLeftOut\":7", "policies", .warn, "7 files"),
        ("\"containersWithOlderPolicies\":[]", "\"containersWithOlderPolicies\":[\"c1: x\"]", "policies", .warn, "c1: x"),
        ("\"state\":\"done\",\"failure\":\"\"", "\"state\":\"failed\",\"failure\":\"killed\"", "replay", .warn, "killed"),
        ("\"failure\":\"\",\"problems\":[]", "\"failure\":\"\",\"problems\":[\"/x\"]", "replay", .warn, "/x"), ("\"alertsLost\":0", "\"alertsLost\":3", "counters", .warn, "alertsLost 3"),
    ])
    func oneThingIsWrong(_ row: (was: String, becomes: String, check: String, state: DoctorReport.State, found: String)) throws {
        let parts = Self.status.split(separator: row.was, maxSplits: 1, omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        let report = try report("\(parts[0])\(row.becomes)\(parts[1])"), wrong = report.findings.filter { $0.state != .ok }
        #expect(wrong.count == 1 && wrong.first?.check == row.check && wrong.first?.state == row.state && wrong.first?.found.contains(row.found) == true, "\(report.lines)")
        #expect(wrong.first?.advice.isEmpty == false && report.hasFailed == (row.state == .fail))
    }

    @Test func aPauseIsSaid() throws {
        let report = try report(Self.status.replacing("\"pauses\":[]", with: "\"pauses\":[{\"scope\":\"everything\",\"until\":\"noon\"}]"))
        #expect(report.findings.contains { $0.check == "pause" && $0.state == .warn && $0.found == "everything is paused until noon" })
    }

    /// Only observing is a choice where there is nothing to enforce.
    @Test func aMachineWithoutPoliciesMayOnlyObserve() throws {
        #expect(try !report(Self.status.replacing("\"active\":true", with: "\"active\":false").replacing("\"policies\":2", with: "\"policies\":0")).hasFailed)
    }

    @Test func theLines() {
        var report = DoctorReport()
        report.ok("a", "x")
        report.fail("longer", "y", "do it")
        report.warn("b", "z", "look")
        report.skip("c", "no")
        #expect(report.lines == ["ok    a       x", "FAIL  longer  y", "        do it", "warn  b       z", "        look", "skip  c       no"])
        #expect(String(decoding: report.findings[1].json(), as: UTF8.self) == #"{"check":"longer","state":"fail","found":"y","advice":"do it"}"#)
    }

    // MARK: hooks.d

    @Test func ourOwnFileIsRight() throws {
        let file = try HooksDirectoryFile(HookFile().bytes)
        #expect(file.program == HookFile.usualPath && file.isOurs && file.problem == nil)
    }

    @Test(arguments: [
        ("{", "ends in the middle, at byte 1"), ("[]", "version: is missing"), (#"{"version":"2.0.0"}"#, "version: 2.0.0 is not 1.0.0"),
        (#"{"version":"1.0.0","hook":{},"stages":["poststop"]}"#, "hook.path: is not an absolute path"), (#"{"version":"1.0.0","hook":{"path":"x"},"stages":["poststop"]}"#, "hook.path: is not an absolute path"),
        (#"{"version":"1.0.0","hook":{"path":"/x"}}"#, "stages: names none"), (#"{"version":"1.0.0","hook":{"path":"/x"},"stages":["prestop"]}"#, "stages: prestop is no stage"),
    ])
    func whatKeepsContainersFromStarting(_ row: (text: String, problem: String)) {
        #expect { _ = try HooksDirectoryFile(Array(row.text.utf8)) } throws: { "\($0)" == row.problem }
    }

    @Test(arguments: [
        (#"["poststop"]"#, "true", "neither createRuntime nor prestart"), (#"["prestart","createRuntime","poststop"]"#, "true", "runs twice"), (#"["createRuntime"]"#, "true", "no poststop"),
        (#"["prestart","poststop"]"#, "false", "not for all"),
    ])
    func whatIsWrongWithAFileOfOurs(_ row: (stages: String, always: String, problem: String)) throws {
        let file = try HooksDirectoryFile(Array(#"{"version":"1.0.0","hook":{"path":"/x/portcullis-hook"},"when":{"always":\#(row.always)},"stages":\#(row.stages)}"#.utf8))
        #expect(file.isOurs && file.problem?.contains(row.problem) == true, "\(file.problem ?? "")")
    }

    @Test func theFirstFormOfTheseFiles() throws {
        let file = try HooksDirectoryFile(Array(#"{"version":"0.1.0","hook":"/usr/bin/nvidia","stage":["prestart"],"cmds":[".*"]}"#.utf8))
        #expect(file.program == "/usr/bin/nvidia" && !file.isOurs)
    }

    // MARK: containerd and Docker

    @Test(arguments: [
        ("", nil, []), ("[plugins.\"io.containerd.nri.v1.nri\"]\n  disable = true", true, []), ("[plugins.'io.containerd.nri.v1.nri']\n  disable=false\n", false, []),
        ("[plugins.\"io.containerd.nri.v1.nri\"]\n #disable = true\n[plugins.x]\ndisable = true", nil, []),
        ("[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n  base_runtime_spec = \"/a b.json\" # ours\n[x]\nbase_runtime_spec = ''", nil, ["/a b.json"]),
    ] as [(String, Bool?, [String])])
    func containerdsSettings(_ row: (text: String, disables: Bool?, specs: [String])) {
        let settings = ContainerdSettings(row.text)
        #expect(settings.disablesNRI == row.disables && settings.baseSpecs == row.specs)
    }

    @Test func dockersSettings() throws {
        func settings(_ text: String) throws -> DockerSettings { try DockerSettings(Array(text.utf8)) }
        let runtimes = #""runtimes":{"other":{"path":"/usr/bin/crun"},"p":{"path":"/opt/portcullis-runtime"}}"#
        let used = try settings("{\(runtimes),\"default-runtime\":\"p\",\"x\":-1.5}")
        #expect(used.isDefault && used.runtime?.name == "p" && used.runtime?.path == "/opt/portcullis-runtime")
        #expect(try !settings("{\(runtimes),\"default-runtime\":\"other\"}").isDefault && settings("{\(runtimes)}").runtime?.name == "p")
        #expect(try settings("{}").runtime == nil)
        #expect(throws: PortcullisError(.configuration, "is no JSON object")) { _ = try settings("[]") }
        #expect(throws: PortcullisError.self) { _ = try settings("{") }
    }
}
