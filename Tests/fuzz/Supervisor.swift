import Foundation

/// Starts a worker for a target, watches it, and starts it again behind an input that it died of.
struct Supervisor {
    /// How one input ended a worker.
    struct Finding {
        enum Kind: String { case crash, hang, broken }
        let target: String
        let kind: Kind
        let number: UInt64
        let detail: String
        let file: String
    }

    struct Total {
        var inputs: UInt64 = 0
        var accepted: UInt64 = 0
        var bytes: UInt64 = 0
        var slowest: UInt64 = 0
        var slowestNumber: UInt64 = 0
        var seconds = 0.0
        var findings: [Finding] = []
    }

    let program: String
    let options: FuzzOptions
    /// Findings of one target after which it is given up: the rest would be more of the same.
    private static let findingLimit = 25

    func run(_ target: FuzzTarget, _ mutator: Mutator) throws -> Total {
        var total = Total()
        var next = options.first
        let end = options.inputs.map { next + $0 } ?? UInt64.max
        let began = Date()
        let scratch = FileManager.default.temporaryDirectory.appending(path: "fuzz-\(getpid())-\(target.name)").path
        defer { unlink(scratch) }
        guard let progress = SharedProgress(path: scratch) else { throw BrokenPromise(description: "cannot map \(scratch)") }
        while next < end, total.findings.count < Self.findingLimit {
            let left = options.seconds.map { $0 - Date().timeIntervalSince(began) }
            if let left, left <= 0 { break }
            progress.clear()
            progress[.current] = next
            let ending = try watch(target, progress, scratch, next..<end, until: left)
            total.inputs += progress[.done]
            total.accepted += progress[.accepted]
            total.bytes += progress[.bytes]
            if progress[.slowest] > total.slowest { (total.slowest, total.slowestNumber) = (progress[.slowest], progress[.slowestNumber]) }
            guard let (kind, detail) = ending else { break }
            let number = progress[.current]
            total.inputs += 1
            let file = "\(options.findings)/\(target.name)-\(options.seed)-\(number)"
            try FileManager.default.createDirectory(atPath: options.findings, withIntermediateDirectories: true)
            try Data(mutator.input(number, seed: options.seed)).write(to: URL(filePath: file))
            total.findings.append(Finding(target: target.name, kind: kind, number: number, detail: detail, file: file))
            next = number + 1
        }
        total.seconds = Date().timeIntervalSince(began)
        return total
    }

    /// Nil if the worker came to its end, or was stopped because its time was up.
    private func watch(
        _ target: FuzzTarget, _ progress: SharedProgress, _ scratch: String, _ range: Range<UInt64>, until left: Double?
    ) throws -> (Finding.Kind, String)? {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["--worker", scratch, "--seed", "\(options.seed)", "--first", "\(range.lowerBound)", "--last", "\(range.upperBound)"]
            + options.corpora.flatMap { ["--corpus", $0] } + [target.name]
        var environment = ProcessInfo.processInfo.environment
        // A trap is told by one line; the backtracer would take seconds for each.
        if environment["SWIFT_BACKTRACE"] == nil { environment["SWIFT_BACKTRACE"] = "enable=no" }
        process.environment = environment
        let errors = URL(filePath: scratch + ".err")
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer { unlink(errors.path) }
        let handle = try FileHandle(forWritingTo: errors)
        process.standardError = handle
        try process.run()
        let began = Date()
        var watch = StallWatch(pid: process.processIdentifier, limit: options.timeLimit)
        var isHung = false, isDone = false
        while process.isRunning {
            usleep(20_000)
            if let left, Date().timeIntervalSince(began) > left { isDone = true }
            isHung = watch.isStalled(at: progress[.current] &+ progress[.done])
            if isHung || isDone { kill(process.processIdentifier, SIGKILL); break }
        }
        process.waitUntilExit()
        try? handle.close()
        ScratchDirectory.remove(of: process.processIdentifier)
        if isHung { return (.hang, "no end after \(options.timeLimit) s of processor time") }
        if isDone { return nil }
        let text = String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self)
        if process.terminationReason == .exit, process.terminationStatus == 0 { return nil }
        if process.terminationReason == .exit, process.terminationStatus == Worker.brokenExit { return (.broken, text) }
        let how = process.terminationReason == .exit ? "exit \(process.terminationStatus)" : "signal \(process.terminationStatus)"
        return (.crash, "\(how): \(text)")
    }
}

/// Whether a worker has spent too long on one input: its own processor time counts, or on a machine that gives it none, ten times that.
struct StallWatch {
    let pid: Int32
    let limit: Double
    private var place: UInt64 = .max
    private var since = (processor: 0.0, wall: Date())

    init(pid: Int32, limit: Double) { (self.pid, self.limit) = (pid, limit) }

    mutating func isStalled(at current: UInt64) -> Bool {
        let processor = processorTime()
        guard current == place else {
            place = current
            since = (processor, Date())
            return false
        }
        return processor - since.processor > limit || Date().timeIntervalSince(since.wall) > limit * 10
    }

    private func processorTime() -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return since.processor }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
