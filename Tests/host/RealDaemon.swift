import Foundation
import HookWire
import Testing
import TestSupport

/// Root, and a kernel that lets it load eBPF programs.
let canRun = geteuid() == 0
let whyNot: Comment = "needs root: it loads eBPF programs and starts containers"

/// All host tests, one after another: each starts daemons whose programs see the whole machine.
@Suite(.serialized, .enabled(if: canRun, whyNot)) struct HostTests {}

/// `portcullisd` as it is shipped, with sockets and pins of its own.
final class RealDaemon {
    let scratch: Scratch
    let pins: String
    private var process: Process?
    private let log: String
    private let program: String
    private(set) var arguments: [String]

    var hookSocket: String { scratch.path + "/run/hook.sock" }
    var controlSocket: String { scratch.path + "/run/control.sock" }
    var pid: Int32 { process?.processIdentifier ?? 0 }

    /// Starts it and waits until it says that it is ready. It looks for no containers of the machine's, unless a test says so.
    init(_ extra: [String] = [], program: String = Tree.daemon) throws {
        self.program = program
        scratch = try Scratch()
        pins = "/sys/fs/bpf/" + (scratch.path as NSString).lastPathComponent
        log = scratch.path + "/log"
        arguments = [
            "--hook-socket", scratch.path + "/run/hook.sock", "--control-socket", scratch.path + "/run/control.sock",
            "--bpf-directory", pins + "/v1", "--config", try scratch.write("etc/config.yaml", ""),
            "--spool", scratch.path + "/spool", "--policy-dir", scratch.path + "/policies", "--applied-policy-dir", scratch.path + "/applied",
        ] + (extra.contains("--replay") ? extra : ["--replay", "off"] + extra)
        try start()
    }

    deinit {
        kill()
        // The pins are the test's: without them the kernel lets programs and maps go.
        try? FileManager.default.removeItem(atPath: pins)
    }

    func start() throws {
        let ready = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(ready) }
        let path = scratch.path + "/notify"
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(ready, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        try #require(bound == 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(ready, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["NOTIFY_SOCKET": path]) { $1 }
        if !FileManager.default.fileExists(atPath: log) { try Data().write(to: URL(filePath: log)) }
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        try output.seekToEnd()
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        defer { try? output.close() }
        try process.run()
        self.process = process
        // A daemon that fails says so on the same socket, so nobody waits for one that is dead.
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(ready, &buffer, buffer.count, 0)
        let message = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        try #require(message.hasPrefix("READY=1"), "the daemon did not get ready: \(message) \(logText)")
    }

    var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) { if let process { Foundation.kill(process.processIdentifier, number) } }

    /// As a crash would.
    func kill() {
        guard let process, process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// As an administrator would; returns the exit code.
    func stop() -> Int32 {
        signal(SIGTERM)
        process?.waitUntilExit()
        return process?.terminationStatus ?? -1
    }

    // MARK: What it says

    func cli(_ arguments: String...) throws -> Outcome { try cli(arguments) }

    func cli(_ arguments: [String], input: Data = Data()) throws -> Outcome {
        try Command.run(Tree.cli, arguments + ["--socket", controlSocket], input: input)
    }

    func status() throws -> [String: Any] {
        let outcome = try cli("status", "--json")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.error)")
    }

    func counter(_ name: String) throws -> Int {
        let counters = try #require(try status()["counters"] as? [String: Any])
        return try #require((counters[name] as? NSNumber)?.intValue, "no counter \(name)")
    }

    /// Containers and kernel keys.
    func fill() throws -> [Int] {
        let maps = try #require(try status()["maps"] as? [String: Any])
        let counts = ["containers", "slots", "records", "identities"].map { (maps[$0] as? NSNumber)?.intValue ?? -1 }
        // Every container has a slot and a record, and nothing else has.
        #expect(counts[1] == counts[0] && counts[2] == counts[0])
        return [counts[0], counts[3]]
    }

    func containers() throws -> [[String: Any]] {
        try cli("containers", "--json").output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    func connect() throws -> Connection { try #require(Connection(hookSocket)) }

    /// An add as a hook would send it for a process made by the test.
    func message(_ id: String, _ pid: Int32) throws -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.pid = UInt32(pid)
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat[stat.index(after: try #require(stat.lastIndex(of: ")")))...].split(separator: " ")
        message.startTime = try #require(UInt64(fields[19]))
        return message
    }

    func add(_ id: String, _ pid: Int32) throws -> HookAnswer {
        let connection = try connect()
        return try #require(connection.ask(message(id, pid)))
    }

    func remove(_ id: String) throws -> HookAnswer {
        let connection = try connect()
        return try #require(connection.ask(HookMessage(operation: .remove, containerID: Array(id.utf8))))
    }
}

/// `portcullis events --json`, running.
final class EventStream {
    struct Event: Decodable, Sendable {
        struct Container: Decodable, Sendable {
            let source: String
            let id: String?
        }
        struct Process: Decodable, Sendable {
            let pid, hostPid, parentPid, uid: Int
            let comm, parentComm: String
            let executable: String?
            let arguments: [String]?
            let argumentsCut, first, entered: Bool?
            let exitCode, signal: Int?
        }
        let type: String
        let container: Container?
        let process: Process?
    }

    private let process = Process()
    private let file: String
    private var read = 0
    private let scratch: Scratch

    init(_ daemon: RealDaemon, _ arguments: [String] = []) throws {
        scratch = try Scratch()
        file = try scratch.write("events", "")
        process.executableURL = URL(filePath: Tree.cli)
        process.arguments = ["events", "--json", "--socket", daemon.controlSocket] + arguments
        let output = try FileHandle(forWritingTo: URL(filePath: file))
        process.standardOutput = output
        defer { try? output.close() }
        try process.run()
        // Subscribed once an event of ours shows up: the daemon's own status cannot say so.
        let held = try HeldContainer(daemon, "subscription-\(UUID().uuidString)")
        defer { held.end() }
        guard arguments.isEmpty else { return }
        let shown = try eventually { try held.touch(); return try all().contains { $0.container?.id == held.id } }
        #expect(shown, "no event reached the subscriber: \(daemon.logText)")
    }

    deinit {
        // Not SIGTERM: a program started from a test's thread inherits that thread's blocked signals.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func all() throws -> [Event] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap {
            // The last line may be half written.
            try? JSONDecoder().decode(Event.self, from: Data($0.utf8))
        }
    }

    /// Waits until an event is there, and returns all of its container's so far.
    func wait(_ id: String, _ condition: ([Event]) -> Bool) throws -> [Event] {
        var found: [Event] = []
        _ = try eventually {
            found = try all().filter { $0.container?.id == id }
            return condition(found)
        }
        return found
    }
}
