import Foundation
import HookWire
import Testing
import TestSupport

/// The wrapper as a program, in both of its builds, around a script that says how it was called.
@Suite struct WrapperTests {
    static let wrappers = [Tree.embeddedWrapper, Tree.ordinaryWrapper]
    let scratch: Scratch
    var bundle: String { scratch.path + "/bundle" }
    var config: String { bundle + "/config.json" }

    init() throws {
        scratch = try Scratch()
        try scratch.write("bundle/config.json", #"{"ociVersion":"1.0.2"}"#)
        chmod(try scratch.write("hook", "#!/bin/sh\n"), 0o755)
        // Its own name is not "$0" for a script: the first word is the interpreter's.
        chmod(try scratch.write("runtime", "#!/bin/sh\necho \"$0 $*\"\necho \"env $MARK\"\nreadlink /proc/self/fd/7\nexit 7\n"), 0o755)
    }

    private var own: [String] { ["--portcullis-runtime=" + scratch.path + "/runtime", "--portcullis-hook=" + scratch.path + "/hook"] }

    private func run(_ wrapper: String, _ own: [String], _ words: [String], directory: String? = nil) throws -> Outcome {
        // A marked environment and one more descriptor, which the runtime must find as they are.
        try Command.run("/bin/sh", ["-c", "exec 7</etc/passwd; MARK=here exec \"$@\"", "sh", wrapper] + own + words, directory: directory)
    }

    private func deny() -> [String] { ["--portcullis-hook-arg=--on-failure", "--portcullis-hook-arg=deny", "--portcullis-hook-arg=--socket=" + scratch.path + "/none"] }
    private func allow() -> [String] { ["--portcullis-hook-arg=--socket=" + scratch.path + "/none"] }

    private func text() throws -> String { try String(contentsOfFile: config, encoding: .utf8) }

    private func hooks() throws -> [String: [[String: Any]]] {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: config))) as? [String: Any])
        return object["hooks"] as? [String: [[String: Any]]] ?? [:]
    }

    @Test(arguments: wrappers) func putsTheHookInAndBecomesTheRuntime(_ wrapper: String) throws {
        chmod(config, 0o640)
        chown(config, geteuid() == 0 ? 7 : geteuid(), getegid())
        var before = stat()
        stat(config, &before)
        let words = ["--root", "/r", "--log-format", "json", "create", "--bundle", bundle, "--preserve-fds", "1", "c 1"]
        for _ in 1...2 {
            let outcome = try run(wrapper, own + ["--portcullis-hook-arg=--timeout=2s"], words)
            #expect(outcome.status == 7 && outcome.error.isEmpty, "\(outcome.error)")
            #expect(outcome.output == "\(scratch.path)/runtime \(words.joined(separator: " "))\nenv here\n/etc/passwd\n")
            #expect(try hooks().mapValues { $0.map { $0["path"] as? String } } == ["createRuntime": [scratch.path + "/hook"], "poststop": [scratch.path + "/hook"]])
            #expect(try hooks()["createRuntime"]?.first?["args"] as? [String] == ["portcullis-hook", "--timeout=2s"])
        }
        var after = stat()
        stat(config, &after)
        #expect(after.st_mode == before.st_mode && after.st_uid == before.st_uid && after.st_gid == before.st_gid)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bundle).sorted() == ["config.json", "portcullis-runtime"])
    }

    @Test(arguments: wrappers) func anOmittedBundleIsTheCurrentDirectory(_ wrapper: String) throws {
        #expect(try run(wrapper, own, ["run", "c1"], directory: bundle).status == 7)
        #expect(try hooks()["poststop"]?.count == 1)
    }

    @Test(arguments: wrappers) func everythingElsePassesThrough(_ wrapper: String) throws {
        for words in [["--version"], [], ["delete", "--force", "c1"], ["--root", "create", "state", "--bundle", bundle]] {
            let outcome = try run(wrapper, own, words)
            #expect(outcome.status == 7 && outcome.error.isEmpty && outcome.output.hasPrefix("\(scratch.path)/runtime \(words.joined(separator: " "))\n"))
        }
        #expect(try hooks().isEmpty)
    }

    /// In the line `C` is the path of the configuration.
    @Test(arguments: wrappers, [
        ("{x}", "C is not valid JSON, at byte 1"), (#"{"hooks":1}"#, "C has a value of the wrong type, at byte 9"), (#"{"a":1,"a":2}"#, "C names a member twice, at byte 10"),
        ("", "C ends in the middle, at byte 0"),
    ])
    func whatIsWrongWithTheBundleIsSaidAndDecided(_ wrapper: String, _ row: (text: String, problem: String)) throws {
        try scratch.write("bundle/config.json", row.text)
        let problem = "portcullis-runtime: container c1: " + row.problem.replacingOccurrences(of: "C ", with: config + " ")
        let passed = try run(wrapper, own + allow(), ["create", "-b", bundle, "c1"])
        #expect(passed.status == 7 && passed.error == problem + "; not protected, let through (--on-failure allow)\n")
        let log = scratch.path + "/log"
        let denied = try run(wrapper, own + deny(), ["--log", log, "--log-format", "json", "create", "-b", bundle, "c1"])
        #expect(denied.status == 1 && denied.output.isEmpty && denied.error == problem + "; denied (--on-failure deny)\n")
        // As containerd reads it.
        let entry = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: log))) as? [String: String])
        #expect(entry["level"] == "error" && entry["msg"].map { $0 + "\n" } == denied.error)
        let time = try #require(entry["time"].flatMap { ISO8601DateFormatter().date(from: $0) })
        #expect(abs(time.timeIntervalSinceNow) < 60)
        #expect(try text() == row.text)
    }

    @Test(arguments: wrappers) func otherFailuresAreDecidedAlike(_ wrapper: String) throws {
        let before = try text()
        func expectDecision(_ problem: String, _ own: [String], _ words: [String]) throws {
            let passed = try run(wrapper, own + allow(), words)
            #expect(passed.status == 7 && passed.error.contains(problem + "; not protected"), "\(passed.error)")
            let denied = try run(wrapper, own + deny(), words)
            #expect(denied.status == 1 && denied.error.contains(problem + "; denied (--on-failure deny)"), "\(denied.error)")
        }
        try expectDecision("--strange: unknown option before the command", own, ["--strange", "create", "c1"])
        try expectDecision("/nowhere/config.json: no such file or directory", own, ["create", "-b", "/nowhere", "c1"])
        try expectDecision("/no/hook: no such file or directory", own + ["--portcullis-hook=/no/hook"], ["create", "-b", bundle, "c1"])
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/linked", withDestinationPath: config)
        try expectDecision("/linked: not a regular file", own, ["create", "-b", bundle, "-f", scratch.path + "/linked", "c1"])
        let large = try FileHandle(forWritingTo: URL(filePath: scratch.write("large/config.json", "")))
        try large.truncate(atOffset: UInt64(JSONLimits.documentBytes) + 1)
        try expectDecision("/large/config.json is too large, at byte 16777216", own, ["create", "-b", scratch.path + "/large", "c1"])
        // Arguments that the hook itself would refuse hold the container up, whatever else they say.
        let wrong = try run(wrapper, own + ["--portcullis-hook-arg=--onfailure=allow"], ["create", "-b", "/nowhere", "c1"])
        #expect(wrong.status == 1 && wrong.error.contains("; denied (the hook would refuse its arguments)"), "\(wrong.error)")
        #expect(try text() == before)
    }

    @Test(arguments: wrappers) func aFailureIsReportedToTheDaemon(_ wrapper: String) throws {
        for (policy, ending) in [("allow", HookEnding.letThrough), ("deny", .denied)] {
            let daemon = FakeDaemon(scratch.path + "/sock-" + policy, .hangUp)
            defer { daemon.stop() }
            _ = try run(wrapper, own + ["--portcullis-hook-arg=--socket=" + daemon.path, "--portcullis-hook-arg=--on-failure=" + policy], ["create", "-b", "/nowhere", "c1"])
            #expect(eventually { daemon.frames.count == 1 })
            let frame = try #require(daemon.frames.first)
            let report = try #require(try HookReport(decoding: frame[...]))
            #expect(report.containerID == Array("c1".utf8) && report.ending == ending && report.elapsed > 0)
            #expect(String(decoding: report.problem, as: UTF8.self) == "portcullis-runtime: /nowhere/config.json: no such file or directory")
        }
    }

    @Test(arguments: wrappers) func itIsNeverItsOwnRuntime(_ wrapper: String) throws {
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/again", withDestinationPath: wrapper)
        let outcome = try run(wrapper, own + ["--portcullis-runtime=" + scratch.path + "/again"], ["state", "c1"])
        #expect(outcome.status == 1 && outcome.error.contains("/again: is this wrapper itself, not a runtime"), "\(outcome.error)")
        let missing = try run(wrapper, own + ["--portcullis-runtime=/no/runtime"], ["--log", scratch.path + "/log", "state", "c1"])
        #expect(missing.status == 1 && missing.error == "portcullis-runtime: /no/runtime: no such file or directory\n")
        #expect(try String(contentsOfFile: scratch.path + "/log", encoding: .utf8).hasSuffix(#"level=error msg="portcullis-runtime: /no/runtime: no such file or directory""# + "\n"))
    }

    @Test(arguments: wrappers) func theFileSaysTheSame(_ wrapper: String) throws {
        let file = try scratch.write("runtime.json", #"{"runtime":"\#(scratch.path)/runtime","hook":"\#(scratch.path)/hook","hook-args":["--spool","/s"]}"#)
        chmod(file, 0o600)
        let outcome = try run(wrapper, ["--portcullis-config=" + file, "--portcullis-hook-arg=--timeout=2s"], ["create", "-b", bundle, "c1"])
        #expect(outcome.status == 7 && outcome.error.isEmpty, "\(outcome.error)")
        #expect(try hooks()["createRuntime"]?.first?["args"] as? [String] == ["portcullis-hook", "--spool", "/s", "--timeout=2s"])
    }

    @Test(arguments: wrappers, [
        (#"{"runtme":"/x"}"#, "runtme: unknown setting"), (#"{"runtime":"runc"}"#, "runtime: must be an absolute path"), (#"{"hook-args":"x"}"#, "has a value of the wrong type"),
        (#"{"hook-args":[""]}"#, "hook-args: needs a value"), ("{", "ends in the middle"), (#"{"hook":""}"#, "hook: needs a value"),
    ])
    func aWrongFileStopsNewContainersOnly(_ wrapper: String, _ row: (text: String, problem: String)) throws {
        let file = try scratch.write("runtime.json", row.text)
        chmod(file, 0o600)
        let outcome = try run(wrapper, ["--portcullis-config=" + file] + own, ["create", "-b", bundle, "c1"])
        #expect(outcome.status == 2 && outcome.error.contains("runtime.json") && outcome.error.contains(row.problem), "\(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1)
        let deleted = try run(wrapper, ["--portcullis-config=" + file] + own, ["delete", "c1"])
        #expect(deleted.status == 7 && deleted.error.isEmpty)
        #expect(try hooks().isEmpty)
    }

    @Test(arguments: wrappers) func theRuntimeOfAWrongFileIsKept(_ wrapper: String) throws {
        let file = try scratch.write("runtime.json", #"{"runtime":"\#(scratch.path)/runtime","hok":"/x"}"#)
        chmod(file, 0o600)
        #expect(try run(wrapper, ["--portcullis-config=" + file], ["delete", "c1"]).status == 7)
        #expect(try run(wrapper, ["--portcullis-config=" + file], ["create", "-b", bundle, "c1"]).status == 2)
    }

    /// Settings that a container of another runtime's meets when it is to end: changed, no JSON, not believed, not there, wrong words.
    static let laterSettings: [(name: String, text: String?, mode: mode_t, words: [String])] = [
        ("changed", #"{"runtime":"/bin/false"}"#, 0o600, []), ("no JSON", "{", 0o600, []), ("not believed", #"{"runtime":"/bin/false"}"#, 0o666, []),
        ("not there", nil, 0, []), ("a wrong word", "{}", 0o600, ["--portcullis-runtim=/x"]), ("another word", "{}", 0o600, ["--portcullis-runtime=/bin/false"]),
    ]

    /// The state as runc writes it, and as crun does.
    @Test(arguments: wrappers, ["state.json", "status"]) func aContainerStaysWithItsRuntime(_ wrapper: String, _ state: String) throws {
        let root = scratch.path + "/state", file = scratch.path + "/runtime.json"
        #expect(try run(wrapper, own, ["--root", root, "create", "-b", bundle, "c1"]).status == 7)
        try scratch.write("state/c1/" + state, state == "status" ? #"{"pid":4194304,"bundle":"\#(bundle)"}"# : #"{"config":{"labels":["bundle=/nowhere","bundle=\#(bundle)"]}}"#)
        func ask() throws -> [(String, Outcome)] {
            try Self.laterSettings.map { later in
                unlink(file)
                if let text = later.text { chmod(try scratch.write("runtime.json", text), later.mode) }
                return (later.name, try run(wrapper, ["--portcullis-config=" + file] + later.words, ["--root", root, "state", "c1"]))
            }
        }
        for (name, outcome) in try ask() {
            #expect(outcome.status == 7 && outcome.error.isEmpty && outcome.output.hasPrefix("\(scratch.path)/runtime --root \(root) state c1\n"), "\(name): \(outcome.error)")
        }
        // Somebody else's link is nobody's word; and a container that nobody knows is the settings' affair.
        lchown(bundle + "/portcullis-runtime", 65534, 65534)
        if geteuid() == 0 { #expect(try ask().allSatisfy { $0.1.status != 7 }) }
        lchown(bundle + "/portcullis-runtime", geteuid(), getegid())
        #expect(try ask().allSatisfy { $0.1.status == 7 })
        try FileManager.default.removeItem(atPath: root + "/c1")
        #expect(try ask().allSatisfy { $0.1.status != 7 })
    }

    /// Made before the wrapper wrote it down: a state tells runc's containers from crun's.
    @Test(arguments: wrappers) func theStateTellsWhoseAContainerIs(_ wrapper: String) throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/crun") else { return print("skipped: no crun") }
        let root = scratch.path + "/state"
        try scratch.write("state/c1/status", #"{"pid":4194304,"bundle":"/nowhere"}"#)
        try scratch.write("state/c2/state.json", #"{"config":{"labels":["bundle=/nowhere"]}}"#)
        for (name, runtime) in [("c1", "/crun"), ("c2", "/runc")] {
            for settings in ["/usr/bin/crun", "/usr/sbin/runc"] {
                let outcome = try Command.run("/usr/bin/strace", ["-e", "trace=execve", wrapper, "--portcullis-runtime=" + settings, "--root", root, "state", name])
                #expect(outcome.error.contains("\(runtime)\", [\""), "\(name) with \(settings): \(outcome.error)")
            }
        }
    }

    @Test(arguments: wrappers) func aFileThatOthersMayWriteIsNotBelieved(_ wrapper: String) throws {
        let file = try scratch.write("runtime.json", "{}")
        chmod(file, 0o622)
        #expect(try run(wrapper, ["--portcullis-config=" + file] + own, ["create", "-b", bundle, "c1"]).error.contains("is not believed"))
        #expect(try run(wrapper, ["--portcullis-config=/no/file"] + own, ["create", "-b", bundle, "c1"]).error.contains("/no/file: no such file"))
    }

    @Test(arguments: wrappers, ["--portcullis-runtim=/x", "--portcullis-runtime", "--portcullis-runtime=", "--portcullis-runtime=runc", "--portcullis-config=x", "--portcullis-"])
    func aWrongWordOfItsOwnIsSaid(_ wrapper: String, _ word: String) throws {
        let outcome = try run(wrapper, own + [word], ["state", "c1"])
        #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.error.contains(word + ": ") && outcome.error.contains("(see --portcullis-help)"))
    }

    @Test(arguments: wrappers) func saysWhatItIs(_ wrapper: String) throws {
        #expect(try run(wrapper, ["--portcullis-version"], []).output == "portcullis-runtime 0.1.0\n")
        #expect(try run(wrapper, ["--portcullis-help"], []).output.hasPrefix("usage: portcullis-runtime"))
    }

    /// Line by line what it tells that does not tell its user: `SIGPIPE` and the like are the runtime's to decide.
    @Test(arguments: wrappers) func theRuntimeInheritsNoSignalSettings(_ wrapper: String) throws {
        chmod(try scratch.write("runtime", "#!/bin/sh\ngrep ^SigIgn /proc/$$/status\n"), 0o755)
        let plain = try Command.run("/bin/sh", ["-c", "exec \(scratch.path)/runtime"])
        let wrapped = try run(wrapper, own + allow(), ["create", "-b", "/nowhere", "c1"])
        #expect(wrapped.error.contains("let through") && wrapped.output == plain.output)
    }
}
