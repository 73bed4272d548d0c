import ArgumentParser
import Core
import Glibc
import HookWire
import Replay

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Look for containers that run already, and tell the daemon of them.",
        discussion: """
            Reads what runc, crun, containerd, Docker, podman and CRI-O leave on disk, and /proc; no runtime is asked. The daemon runs this at its
            start (setting replay). With --dry-run it only prints what it finds.

            Examples:
              portcullis replay --dry-run
              portcullis replay --root runc=/run/runc --only-roots
            """)

    @Option(help: "The daemon's hook socket.", completion: .file())
    var socket = "/run/portcullis/hook.sock"

    @Option(name: .customLong("root"), help: "KIND=DIRECTORY, where a runtime keeps its state; KIND is runc, crun, containerd or storage. May be repeated.")
    var roots: [String] = []

    @Flag(help: "Look in these roots only, not in the usual places and not in /proc.")
    var onlyRoots = false

    @Option(help: "Look a second time after this long (3s, 500ms), for what was just being made.")
    var again: String?

    @Option(help: "Wait so long for a daemon that is not there yet.")
    var wait: String?

    @Flag(help: "Print what is found and tell nobody.")
    var dryRun = false

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @Flag(help: "Print nothing but errors.")
    var quiet = false

    func run() throws {
        try reportingErrors {
            let pause = try again.map { text throws(PortcullisError) in try Self.milliseconds(text, "--again") }
            let patience = try wait.map { text throws(PortcullisError) in try Self.milliseconds(text, "--wait") } ?? 0
            let scanRoots = try ScanRoots(named: roots, usual: !onlyRoots)
            if dryRun { return show(try HostScan(scanRoots)) }
            try tell(scanRoots, patience: patience)
            guard let pause else { return }
            usleep(UInt32(pause * 1000))
            try tell(scanRoots, patience: 0)
        }
    }

    private func tell(_ scanRoots: ScanRoots, patience: Int) throws(PortcullisError) {
        let client = try connect(patience)
        try client.begin()
        let scan = try HostScan(scanRoots)
        let report = try client.send(scan.findings.all, problems: scan.problems)
        guard !quiet else { return }
        Output.line("\(report.registered) containers are registered")
        for (id, reason) in report.refused { Output.complain(Output.clean("portcullis: container \(id) is refused: \(reason)")) }
        for problem in scan.problems { Output.complain(Output.clean("portcullis: \(problem)")) }
    }

    /// Tries every tenth of a second for as long as `patience` milliseconds say: a daemon's socket is there when it is.
    private func connect(_ patience: Int) throws(PortcullisError) -> ReplayClient {
        var left = patience
        while true {
            do { return try ReplayClient(socket) } catch {
                guard left > 0 else { throw error }
            }
            usleep(100_000)
            left -= 100
        }
    }

    private func show(_ scan: HostScan) {
        var table = Table(["CONTAINER", "PID", "FOUND BY", "BUNDLE"])
        for finding in scan.findings.all {
            let message = finding.message
            let sources = ReplaySources(rawValue: message.sources)
            let names = ReplaySources.named.filter { sources.contains($0.source) }.map { "\($0.name)" }
            if json {
                var writer = JSONWriter()
                writer.object { writer in
                    writer.member("id", message.containerID)
                    writer.member("pid", message.pid)
                    writer.member("started", message.hasStarted)
                    writer.member("bundle", message.bundle)
                    writer.member("annotations", message.annotations.count)
                    writer.key("sources")
                    writer.array { writer in for name in names { writer.string(name) } }
                }
                Output.line(writer.bytes)
            } else {
                table.add([String(decoding: message.containerID, as: UTF8.self), "\(message.pid)", names.joined(separator: ","), String(decoding: message.bundle, as: UTF8.self)])
            }
        }
        if !json { table.print() }
        for problem in scan.problems { Output.complain(Output.clean("portcullis: \(problem)")) }
    }

    /// `500ms`, `3s` or `3` (seconds); an hour at most.
    private static func milliseconds(_ text: String, _ option: String) throws(PortcullisError) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard let number = Int(digits), number <= 3_600_000, unit.isEmpty || unit == "s" || unit == "ms" else {
            throw PortcullisError(.configuration, "\(text): \(option) takes a time, as in 500ms or 3s")
        }
        return min(unit == "ms" ? number : number * 1000, 3_600_000)
    }
}
