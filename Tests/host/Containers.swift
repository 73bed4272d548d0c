import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

/// A registered process in namespaces of its own, without a runtime: cheap enough for hundreds.
struct HeldContainer {
    let id: String
    let pid: Int32

    init(_ daemon: RealDaemon, _ id: String) throws {
        self.id = id
        pid = pct_hold(pct_new_mount_and_pid())
        try #require(pid > 0)
        let answer = try daemon.add(id, pid)
        #expect(answer.code == .registered, "\(String(decoding: answer.reason, as: UTF8.self))")
    }

    /// Runs something inside, so that there is an event.
    func touch() throws { _ = try Command.run("/usr/bin/nsenter", ["-t", "\(pid)", "-m", "-p", "/bin/true"]) }

    func end() { pct_end(pid) }
}

/// An OCI bundle with busybox, and runc to run it. The hooks are the ones that are shipped.
final class Bundle: Sendable {
    let scratch: Scratch
    let path: String
    var root: String { scratch.path + "/runc" }

    static let applets = ["sh", "true", "false", "sleep", "env", "cat", "nsenter", "unshare", "mount", "setsid", "echo", "kill"]

    /// With the shipped hooks against `daemon`; without any if there is none yet.
    ///
    /// - Parameter place: Where in its scratch directory the bundle is: its path says which runtime made it.
    init(_ daemon: RealDaemon?, stage: String = "prestart", host: Bool = false, place: String = "bundle", edit: (inout [String: Any]) -> Void = { _ in }) throws {
        scratch = try Scratch()
        path = scratch.path + "/" + place
        let binaries = path + "/rootfs/bin"
        try FileManager.default.createDirectory(atPath: binaries, withIntermediateDirectories: true)
        for directory in ["proc", "dev", "sys", "tmp", "etc"] {
            try FileManager.default.createDirectory(atPath: path + "/rootfs/" + directory, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: binaries + "/busybox")
        for applet in Self.applets { try FileManager.default.linkItem(atPath: binaries + "/busybox", toPath: binaries + "/" + applet) }
        _ = try Command.run(Self.runc, ["spec"], directory: path)
        var config = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path + "/config.json"))) as? [String: Any])
        if let daemon {
            let hook = Self.hook(daemon)
            config["hooks"] = [stage: [hook], "poststop": [hook]]
        }
        var process = try #require(config["process"] as? [String: Any])
        process["terminal"] = false
        process["args"] = ["/bin/true"]
        config["process"] = process
        edit(&config)
        try JSONSerialization.data(withJSONObject: config).write(to: URL(filePath: path + "/config.json"))
    }

    static let runc = ["/usr/sbin/runc", "/usr/bin/runc"].first { FileManager.default.isExecutableFile(atPath: $0) } ?? "runc"

    static func hook(_ daemon: RealDaemon, _ more: [String] = []) -> [String: Any] {
        ["path": Tree.embeddedHook, "timeout": 15, "args": ["portcullis-hook", "--socket", daemon.hookSocket, "--spool", daemon.scratch.path + "/spool", "--timeout", "10s", "--on-failure", "deny"] + more]
    }

    func setArguments(_ arguments: [String]) throws {
        let file = URL(filePath: path + "/config.json")
        var config = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        var process = try #require(config["process"] as? [String: Any])
        process["args"] = arguments
        config["process"] = process
        try JSONSerialization.data(withJSONObject: config).write(to: file)
    }

    @discardableResult
    func run(_ id: String) throws -> Outcome { try Command.run(Self.runc, ["--root", root, "run", "--bundle", path, id]) }

    /// Starts it and leaves it running.
    func runDetached(_ id: String) throws {
        let outcome = try Command.run("/bin/sh", ["-c", "exec \(Self.runc) --root \(root) run -d --bundle \(path) \(id) </dev/null"])
        try #require(outcome.status == 0, "\(outcome.error)")
    }

    /// Makes it, up to the point where only its start is missing.
    func create(_ id: String) throws {
        let outcome = try Command.run("/bin/sh", ["-c", "exec \(Self.runc) --root \(root) create --bundle \(path) \(id) </dev/null"])
        try #require(outcome.status == 0, "\(outcome.error)")
    }

    func start(_ id: String) throws { _ = try Command.run(Self.runc, ["--root", root, "start", id]) }

    @discardableResult
    func exec(_ id: String, _ command: [String]) throws -> Outcome { try Command.run(Self.runc, ["--root", root, "exec", id] + command) }

    func delete(_ id: String) throws { _ = try Command.run(Self.runc, ["--root", root, "delete", "-f", id]) }
}
