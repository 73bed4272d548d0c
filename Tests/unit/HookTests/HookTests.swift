import Foundation
import HookWire
import Testing
import TestSupport

@Suite struct HookTests {
    let fixture: HookFixture

    init() throws { fixture = try HookFixture() }

    @Test(arguments: HookFixture.hooks)
    func tellsWhatItKnows(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        let outcome = try fixture.run(hook, fixture.state())
        #expect(outcome.status == 0 && outcome.error.isEmpty && outcome.output.isEmpty)
        let message = try #require(daemon.messages.first)
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        #expect(message.operation == .add && text(message.containerID) == "c1" && message.pid == UInt32(getpid()))
        #expect(text(message.argument0) == "/bin/sh" && text(message.apparmorProfile) == "prof" && text(message.rootfs) == "rootfs")
        #expect(message.annotations.map { text($0.key) } == ["a", "io.kubernetes.pod.namespace"])
        for (name, number) in [("mnt", message.mountNamespace), ("pid", message.pidNamespace)] {
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)") == "\(name):[\(number)]")
        }
        let stat = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
        let fields = stat[stat.index(after: try #require(stat.lastIndex(of: ")")))...].split(separator: " ")
        #expect(String(message.startTime) == fields[19])
        let cgroups = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)
        #expect(message.cgroupPath.isEmpty || cgroups.contains(text(message.cgroupPath)))
    }

    @Test(arguments: HookFixture.hooks, ["creating", "created", "running"])
    func addsByStatus(_ hook: String, _ status: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        #expect(try fixture.run(hook, fixture.state(status: status)).status == 0)
        #expect(daemon.messages.map(\.operation) == [.add])
    }

    @Test(arguments: HookFixture.hooks)
    func removesWhatStopped(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.removed, ""))
        defer { daemon.stop() }
        // As podman writes it: no pid; and a bundle that is gone already.
        let state = #"{"id":"c1","status":"stopped","bundle":"/nowhere"}"#
        #expect(try fixture.run(hook, state, ["--on-failure", "deny"]).status == 0)
        #expect(daemon.messages.map(\.operation) == [.remove])
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let name: String
        let line: String
        var state: String?
        var config: String?
        var testDescription: String { name }
    }

    static let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    static let failures = [
        Failure(name: "empty state", line: "the OCI state on standard input ends in the middle, at byte 0", state: ""),
        Failure(name: "truncated state", line: "the OCI state on standard input ends in the middle", state: #"{"id":"c1","#),
        Failure(name: "state is no JSON", line: "has a value of the wrong type, at byte 0", state: "hello"),
        Failure(name: "state is an array", line: "has a value of the wrong type", state: "[]"),
        Failure(name: "no id", line: "the OCI state has no id", state: #"{"status":"creating"}"#),
        Failure(name: "id of 4 KB", line: "the container id is longer than 1024 bytes", state: #"{"id":"\#(String(repeating: "x", count: 4096))","status":"creating","pid":1,"bundle":"/"}"#),
        Failure(name: "id with a slash", line: "a character that no runtime allows", state: #"{"id":"../x","status":"creating","pid":1,"bundle":"/"}"#),
        Failure(name: "unknown status", line: "status is none of", state: #"{"id":"c1","status":"paused","pid":1,"bundle":"/"}"#),
        Failure(name: "no pid", line: "the OCI state has no pid", state: #"{"id":"c1","status":"creating","bundle":"/"}"#),
        Failure(name: "negative pid", line: "has a number out of range", state: #"{"id":"c1","status":"creating","pid":-4,"bundle":"/"}"#),
        Failure(name: "no bundle", line: "no absolute bundle path", state: #"{"id":"c1","status":"creating","pid":1}"#),
        Failure(name: "relative bundle", line: "no absolute bundle path", state: #"{"id":"c1","status":"creating","pid":1,"bundle":"b"}"#),
        Failure(name: "duplicate member", line: "names a member twice", state: #"{"id":"c1","id":"c2"}"#),
        Failure(name: "annotations are a list", line: "value of the wrong type", state: #"{"id":"c1","annotations":[]}"#),
        Failure(name: "truncated config", line: "/bundle/config.json ends in the middle", config: #"{"process":{"args":["#),
        Failure(name: "empty config", line: "/bundle/config.json ends in the middle, at byte 0", config: ""),
        Failure(name: "deeply nested config", line: "/bundle/config.json is nested too deeply", config: #"{"x":\#(deep)}"#),
        Failure(name: "duplicate key in config", line: "names a member twice", config: #"{"annotations":{"a":"1","a":"2"}}"#),
        Failure(name: "two documents", line: "is not valid JSON", config: "{}{}"),
        Failure(name: "annotation that is no string", line: "value of the wrong type", config: #"{"annotations":{"a":1}}"#),
    ]

    @Test(arguments: HookFixture.hooks, failures)
    func badInputGetsOneLineAndThePolicy(_ hook: String, _ failure: Failure) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        if let config = failure.config { try fixture.config(config) }
        for (policy, status) in [("allow", Int32(0)), ("deny", 1)] {
            let outcome = try fixture.run(hook, failure.state ?? fixture.state(), ["--on-failure", policy])
            #expect(outcome.status == status)
            #expect(outcome.error.contains(failure.line), "\(outcome.error)")
            #expect(outcome.error.filter { $0 == "\n" }.count == 1 && outcome.error.hasPrefix("portcullis-hook: "))
            #expect(outcome.error.contains("--on-failure \(policy)"))
        }
        #expect(daemon.messages.isEmpty)
    }

    @Test(arguments: HookFixture.hooks)
    func refusesConfigsThatAreNotOne(_ hook: String) throws {
        let bundle = fixture.scratch.path + "/bundle"
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        func line(_ bundle: String) throws -> String { try fixture.run(hook, fixture.state(bundle: bundle), ["--on-failure", "deny"]).error }
        try fixture.config(Data([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]))
        #expect(try line(bundle).contains("config.json is not valid UTF-8"))
        try fixture.config(Data((#"{"x":""# + String(repeating: " ", count: 17 << 20) + #""}"#).utf8))
        #expect(try line(bundle).contains("config.json is too large"))
        try FileManager.default.removeItem(atPath: bundle + "/config.json")
        #expect(try line(bundle).contains("config.json: no such file"))
        try FileManager.default.createDirectory(atPath: bundle + "/config.json", withIntermediateDirectories: false)
        #expect(try line(bundle).contains("config.json: is a directory"))
        try FileManager.default.removeItem(atPath: bundle + "/config.json")
        #expect(mkfifo(bundle + "/config.json", 0o600) == 0)
        #expect(try line(bundle).contains("config.json: not a regular file"))
        #expect(try line(bundle + "/config.json").contains("not a directory"))
        #expect(daemon.messages.isEmpty)
        // A bundle behind a symbolic link is usual: /var/run is one.
        try FileManager.default.removeItem(atPath: bundle + "/config.json")
        try fixture.config(HookFixture.config)
        try FileManager.default.createSymbolicLink(atPath: bundle + "-link", withDestinationPath: bundle)
        #expect(try line(bundle + "-link").isEmpty)
        #expect(daemon.messages.count == 1)
    }

    /// Under `allow`, too, it is said: to the user, and to the daemon, which counts who goes unregistered.
    @Test(arguments: HookFixture.hooks)
    func aConfigBeyondTheLimitIsToldAndDecided(_ hook: String) throws {
        try fixture.config("{}" + String(repeating: " ", count: JSONLimits.documentBytes))
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        for (index, (policy, status, ending)) in [("allow", Int32(0), HookEnding.letThrough), ("deny", 1, .denied)].enumerated() {
            let outcome = try fixture.run(hook, fixture.state(), ["--on-failure", policy, "--timeout", "10s"])
            #expect(outcome.status == status && outcome.error.contains("/bundle/config.json is too large, at byte ") && outcome.error.contains("--on-failure \(policy)"), "\(outcome.error)")
            #expect(eventually { daemon.frames.count == index + 1 })
            let frame = try #require(daemon.frames.last)
            let report = try #require(try HookReport(decoding: frame[...]))
            #expect(report.ending == ending && String(decoding: report.problem, as: UTF8.self).contains("config.json is too large"))
        }
        #expect(daemon.messages.isEmpty)
    }

    @Test(arguments: HookFixture.hooks)
    func stopsReadingAHugeState(_ hook: String) throws {
        let outcome = try fixture.run(hook, Data(repeating: 0x20, count: 100 << 20), ["--on-failure", "deny", "--timeout", "10s"])
        #expect(outcome.status == 1 && outcome.error.contains("standard input is too large"), "\(outcome.error)")
    }

    @Test(arguments: HookFixture.hooks)
    func aPidThatIsGoneIsNamed(_ hook: String) throws {
        let outcome = try fixture.run(hook, fixture.state(pid: 4_194_304), ["--on-failure", "deny"])
        #expect(outcome.status == 1 && outcome.error.contains("process 4194304, is gone"), "\(outcome.error)")
    }

    /// What a pod's or an image's author may write must not make the container's own registration fail.
    @Test(arguments: HookFixture.hooks)
    func bearsWhatAnnotationsAndArgumentsMayBe(_ hook: String) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        func accepts(_ config: String) throws {
            try fixture.config(config)
            let outcome = try fixture.run(hook, fixture.state(), ["--timeout", "10s"])
            #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
        }
        try accepts("{\"annotations\":{\"a\":\"\(String(repeating: "\\u003c", count: 600_000))\",\"io.container.manager\":\"cri-o\"}}")
        #expect(daemon.messages.last?.annotations.map(\.key.count).contains(20) == true)
        let many = (0..<70_000).map { "\"\($0)\":\"\"" }.joined(separator: ",")
        try accepts("{\"annotations\":{\(many)}}")
        let small = (0..<2_000).map { "\"\($0)\":\"\"" }.joined(separator: ",")
        try accepts("{\"annotations\":{\"\(String(repeating: "k", count: 300_000))\":\"\",\(small)}}")
        try accepts(#"{"process":{"args":["/bin/sh\u0000x","y"]}}"#)
        #expect(daemon.messages.last.map { String(decoding: $0.argument0, as: UTF8.self) } == "/bin/sh")
        try accepts(#"{"process":{"args":["","y"]}}"#)
        #expect(daemon.messages.last?.argument0.isEmpty == true)
    }

    @Test(arguments: HookFixture.hooks, [0, 1_000])
    func takesAnyNumberOfAnnotations(_ hook: String, _ count: Int) throws {
        let daemon = FakeDaemon(fixture.socket, .answer(.registered, ""))
        defer { daemon.stop() }
        let members = (0..<count).map { "\"key\($0)\":\"\\u00e9\($0)\"" }.joined(separator: ",")
        try fixture.config("{\"annotations\":{\(members)}}")
        #expect(try fixture.run(hook, fixture.state()).status == 0)
        let message = try #require(daemon.messages.first)
        #expect(message.annotations.count == count && message.annotationsCut == 0)
        if count > 0 { #expect(String(decoding: message.annotations[count - 1].value, as: UTF8.self) == "é\(count - 1)") }
    }
}
