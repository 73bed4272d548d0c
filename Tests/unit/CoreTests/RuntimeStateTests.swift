import Core
import Foundation
import HookWire
import Testing

/// What runtimes leave behind, read.
@Suite struct RuntimeStateTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func runcsStateAsItIs() throws {
        let state = try RuntimeState.runc(ArraySource(Array("""
            {"id":"c1","init_process_pid":4711,"init_process_start":4294967999,"created":"2026-01-01T00:00:00Z","config":{"rootfs":"/b/rootfs",
             "mounts":[{"source":"proc"}],"labels":["app=web","empty=","bundle=/mine","bundle=/b"],"apparmor_profile":"prof","namespaces":[{"type":"NEWNS"}]},
             "rootless":false,"cgroup_paths":{"":"/sys/fs/cgroup/x"}}
            """.utf8), step: 7))
        #expect(text(state.id) == "c1" && state.pid == 4711 && state.startTime == 4_294_967_999)
        #expect(text(state.bundle) == "/b" && text(state.rootfs) == "/b/rootfs" && text(state.apparmorProfile) == "prof")
        #expect(state.annotations.map { "\(text($0.key))=\(text($0.value))" } == ["app=web", "empty=", "bundle=/mine"], "the last bundle is the bundle")
    }

    @Test func crunsStatusAsItIs() throws {
        let state = try RuntimeState.crun(
            ArraySource(Array(#"{"pid":7,"process-start-time":99,"cgroup-path":"/x","scope":null,"rootfs":"/r","bundle":"/b","detached":true}"#.utf8)), id: Array("c2".utf8))
        #expect(text(state.id) == "c2" && state.pid == 7 && state.startTime == 99 && text(state.bundle) == "/b" && text(state.cgroupPath) == "/x")
    }

    @Test(arguments: [
        ("{", JSONError.Kind.truncated), ("[]", .type), (#"{"init_process_pid":"1"}"#, .type), (#"{"init_process_pid":2147483648}"#, .number),
        (#"{"init_process_start":1152921504606846977}"#, .number), (#"{"id":"a","id":"b"}"#, .duplicateKey), (#"{"config":{"labels":[1]}}"#, .type), ("{} x", .syntax),
    ]) func whatIsNoStateIsRefused(_ document: String, _ kind: JSONError.Kind) {
        #expect { _ = try RuntimeState.runc(ArraySource(Array(document.utf8))) } throws: { ($0 as? JSONError)?.kind == kind }
    }

    static let samples = ProcessInfo.processInfo.environment["PORTCULLIS_POLICY_CORPUS"].map { URL(filePath: $0).deletingLastPathComponent().appending(path: "samples") }
    static let hasSamples = samples.map { FileManager.default.fileExists(atPath: $0.path) } ?? false

    @Test(.enabled(if: hasSamples, "there are no samples of real state files beside this tree"), arguments: [
        ("runc115-state-container.json", 28255, true), ("runc115-state-sandbox.json", 0, true), ("runc136-state-podman.json", 0, true),
        ("podman431-runc-state.json", 0, true), ("podman431-crun-status.json", 27594, false),
    ]) func realOnes(_ file: String, _ pid: Int, _ isRunc: Bool) throws {
        let bytes = Array(try Data(contentsOf: try #require(Self.samples).appending(path: file)))
        let state = try isRunc ? RuntimeState.runc(ArraySource(bytes)) : RuntimeState.crun(ArraySource(bytes), id: Array("x".utf8))
        #expect(pid == 0 || state.pid == pid)
        #expect(state.pid > 0 && state.startTime > 0 && text(state.bundle).hasPrefix("/") && text(state.rootfs).hasPrefix("/"))
        if isRunc { #expect(!state.annotations.isEmpty && !state.annotations.contains { text($0.key) == "bundle" }) }
    }

    @Test(arguments: [
        (["/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", "abc", "-address", "/run/c.sock"], MonitorProcess.shim(namespace: "k8s.io", id: "abc")),
        (["/usr/bin/conmon", "--api-version", "1", "-c", "id1", "-u", "id1", "-r", "/usr/bin/crun", "-b", "/b", "-p", "/p/pidfile", "-n", "name"],
         .conmon(id: "id1", bundle: "/b", pidFile: "/p/pidfile")),
        (["conmon", "-c", "id1", "-b", "relative", "-p", "/p"], nil), (["conmon", "-c"], nil), (["/bin/sh", "-c", "conmon"], nil), ([], nil), (["containerd-shim"], nil),
    ]) func monitors(_ arguments: [String], _ expected: MonitorProcess?) {
        #expect(MonitorProcess(arguments: arguments) == expected)
    }

    static let id = String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("/k8s.io/\(id)", true), ("/libpod_parent/libpod-\(id)", true), ("/machine.slice/libpod-\(id).scope/container", true), ("/system.slice/docker-\(id).scope", true),
        ("/kubepods.slice/kubepods-pod1.slice/cri-containerd-\(id).scope", true), ("/x/crio-\(id)", true), ("/machine.slice/libpod-conmon-\(id).scope", false),
        ("/x/crio-conmon-\(id).scope", false), ("/\(id)0", false), ("/", false), ("", false), ("/\(id)/a/b/c", false), ("/" + String(repeating: "zz", count: 32), false),
    ]) func cgroups(_ path: String, _ isContainer: Bool) {
        #expect(CgroupName.containerID(in: Array(path.utf8)) == (isContainer ? Self.id : nil))
    }
}
