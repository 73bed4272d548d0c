import Foundation

/// What a command came to.
public struct Outcome: Sendable {
    public let status: Int32
    public let output: String
    public let error: String
    public let seconds: Double
    /// True if the command had to be killed.
    public let timedOut: Bool
}

/// Where the tree and its built programs are.
public enum Tree {
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    /// The programs that `make` builds.
    public static let build = ProcessInfo.processInfo.environment["PORTCULLIS_BUILD"] ?? root + "/.build-portcullis"
    public static let daemon = build + "/portcullisd"
    public static let cli = build + "/portcullis"
    public static let embeddedHook = build + "/x86_64/portcullis-hook"
    /// The same hook as an ordinary program: beside the test bundle.
    public static let ordinaryHook = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/portcullis-hook"
    /// The wrapper of a runtime, in the same two ways.
    public static let embeddedWrapper = build + "/x86_64/portcullis-runtime"
    public static let ordinaryWrapper = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/portcullis-runtime"
    /// Real documents; a stranger's clone has none.
    public static let samples = root + "/../shared/samples"
}

/// Runs programs with bounded time.
public enum Command {
    /// Runs a program to its end. Output goes through files, so that no pipe of it can fill.
    public static func run(
        _ path: String, _ arguments: [String] = [], input: Data = Data(), directory: String? = nil, timeout: Double = 60
    ) throws -> Outcome {
        let scratch = try Scratch()
        let (stdin, stdout, stderr) = (scratch.path + "/in", scratch.path + "/out", scratch.path + "/err")
        for (file, content) in [(stdin, input), (stdout, Data()), (stderr, Data())] { try content.write(to: URL(filePath: file)) }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        let handles = try [FileHandle(forReadingFrom: URL(filePath: stdin))] + [stdout, stderr].map { try FileHandle(forWritingTo: URL(filePath: $0)) }
        // A process that has ended still holds its handles: after some thousand commands there would be no descriptors left.
        defer { for handle in handles { try? handle.close() } }
        process.standardInput = handles[0]
        process.standardOutput = handles[1]
        process.standardError = handles[2]
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        let start = DispatchTime.now().uptimeNanoseconds
        try process.run()
        let timedOut = ended.wait(timeout: .now() + timeout) == .timedOut
        if timedOut {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: stdout, encoding: .utf8),
            error: String(decoding: try Data(contentsOf: URL(filePath: stderr)), as: UTF8.self), seconds: seconds, timedOut: timedOut)
    }
}

/// A directory, root-only, that goes when this goes.
public final class Scratch: Sendable {
    public let path: String

    public init() throws {
        var template = Array("/tmp/portcullis-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    public func write(_ name: String, _ content: String) throws -> String { try write(name, Data(content.utf8)) }

    @discardableResult
    public func write(_ name: String, _ content: Data) throws -> String {
        let file = path + "/" + name
        try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try content.write(to: URL(filePath: file))
        return file
    }

    public func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
}

/// Waits for something to become true, by looking again; for state that has no event of its own.
public func eventually(_ seconds: Double = 20, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(seconds * 1e9)
    while DispatchTime.now().uptimeNanoseconds < end {
        if try condition() { return true }
        sched_yield()
    }
    return try condition()
}
