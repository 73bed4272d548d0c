import Core
import Foundation
import Testing

/// What runtimes are told of the hook.
@Suite struct HookFileTests {
    /// The tree's own; the tests of Core have nothing else to do with files.
    private static let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func object(_ bytes: [UInt8]) throws -> NSDictionary { try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary) }
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func theShippedFileIsTheOneThatIsWritten() throws {
        let shipped = try Data(contentsOf: Self.tree.appending(path: "hooks.d/portcullis.json"))
        #expect(String(decoding: shipped, as: UTF8.self) == String(decoding: HookFile().bytes, as: UTF8.self))
    }

    @Test func theRuntimeIsMorePatientThanTheHook() throws {
        let options = try String(contentsOf: Self.tree.appending(path: "Sources/Hook/Options.swift"), encoding: .utf8)
        #expect(options.contains("duration <= 10_000 * Self.millisecond"), "the hook's largest deadline is another one now")
        #expect(HookFile.timeout > 10)
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let file = HookFile(path: "/opt/a \"b\"\\c/portcullis-hook", options: ["--on-failure", "deny", "ü\n"])
        #expect(HookFile.program(in: file.bytes) == file.path)
        let hook = try #require(try object(file.bytes)["hook"] as? NSDictionary)
        #expect(hook["args"] as? [String] == ["portcullis-hook", "--on-failure", "deny", "ü\n"])
        #expect(hook["env"] as? [String] == HookFile.environment && hook["timeout"] as? Int == 12)
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"hook":"x"}"#, #"{"hook":{"path":"/usr/bin/other"}}"#, #"{"hook":{"path":"/x/portcullis-hook2"}}"#, #"{"hook":{"path":"/portcullis-hook"}} x"#])
    func whatIsNotOurs(_ document: String) { #expect(HookFile.program(in: bytes(document)) == nil) }

    static let spec = #"""
        {
            "ociVersion": "1.2.0",
            "process": {"cwd": "/", "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], "noNewPrivileges": true, "x": "}\"],{"},
            "mounts": [ {"destination": "/proc"} , 1 ],
            "linux": {"resources": {"limit": 18446744073709551615, "weight": -1.50e3}, "empty": {}, "none": null}
        }
        """#

    @Test func aBaseSpecGetsTheHookAndKeepsTheRest() throws {
        let made = try BaseSpec.adding(HookFile(options: ["--timeout", "2s"]), to: bytes(Self.spec))
        let text = String(decoding: made, as: UTF8.self)
        // As they are written, which no reader of numbers could promise.
        for part in [#""limit": 18446744073709551615, "weight": -1.50e3"#, #"[ {"destination": "/proc"} , 1 ]"#, #""x": "}\"],{""#] { #expect(text.contains(part)) }
        let before = try object(bytes(Self.spec)).mutableCopy() as? NSMutableDictionary, after = try object(made).mutableCopy() as? NSMutableDictionary
        let hooks = try #require(after?["hooks"] as? [String: [[String: Any]]])
        #expect(Set(hooks.keys) == ["createRuntime", "poststop"])
        for hook in hooks.values {
            #expect(hook.count == 1 && hook[0]["path"] as? String == HookFile.usualPath && hook[0]["args"] as? [String] == ["portcullis-hook", "--timeout", "2s"])
            #expect(hook[0]["timeout"] as? Int == 12 && hook[0]["env"] as? [String] == HookFile.environment)
        }
        after?["hooks"] = nil
        let process = try #require(before?["process"] as? NSDictionary).mutableCopy() as? NSMutableDictionary
        process?["rlimits"] = nil
        before?["process"] = process
        #expect(before == after)
        #expect(BaseSpec.program(in: made) == HookFile.usualPath)
        #expect(BaseSpec.program(in: bytes(Self.spec)) == nil)
    }

    @Test(arguments: [
        ("", "ends in the middle"), ("{", "ends in the middle"), ("[]", "no ociVersion"), (#"{"ociVersion":"1"}"#, "no process"),
        (#"{"ociVersion":"1","process":{},"hooks":{}}"#, "hooks already"), (#"{"ociVersion":"1","process":{}} x"#, "not valid JSON"),
    ]) func whatIsNoSpecIsRefused(_ spec: String, _ problem: String) {
        #expect { _ = try BaseSpec.adding(HookFile(), to: bytes(spec)) } throws: { "\($0)".contains(problem) }
    }

    @Test(arguments: [
        ("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+deb13u1\n", "1.7.24~ds1", "io.containerd.grpc.v1.cri", "version = 2"),
        ("containerd github.com/containerd/containerd/v2 v2.1.9 abc", "2.1.9", "io.containerd.cri.v1.runtime", "version = 3"),
        ("containerd", "", "io.containerd.cri.v1.runtime", "version = 3"),
    ]) func linesOfTheConfiguration(_ output: String, _ version: String, _ plugin: String, _ format: String) {
        #expect(BaseSpec.version(in: output) == version)
        let lines = BaseSpec.configuration(file: "/etc/containerd/x.json", containerd: version)
        #expect(lines.first == format && lines.contains(#"[plugins."\#(plugin)".containerd.runtimes.runc]"#) && lines.last == #"  base_runtime_spec = "/etc/containerd/x.json""#)
    }

    @Test func programsForThisMachine() {
        var head: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1] + Array(repeating: 0, count: 58)
        head[18] = 62
        #expect(ELFProgram.problem(head: head, machine: "x86_64") == nil)
        #expect(ELFProgram.problem(head: head, machine: "aarch64") == "is a program for x86_64, and this machine is aarch64")
        #expect(ELFProgram.problem(head: head, machine: "riscv64") != nil)
        head[18] = 183
        #expect(ELFProgram.problem(head: head, machine: "aarch64") == nil)
        #expect(ELFProgram.problem(head: Array(head.prefix(63)), machine: "aarch64") == "is no ELF program")
        #expect(ELFProgram.problem(head: bytes("#!/bin/sh" + String(repeating: " ", count: 80)), machine: "x86_64") == "is no ELF program")
        head[4] = 1
        #expect(ELFProgram.problem(head: head, machine: "aarch64") != nil)
    }
}
