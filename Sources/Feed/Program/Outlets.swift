#if Feed
import CLinux
import Core
import Glibc
import Logging
import Synchronization

/// Where alerts and logs go as JSON lines, as `karmor logs --json` prints them: a file, standard output, the journal.
final class Outlets: @unchecked Sendable {
    private static let journalSocket = "/run/systemd/journal/socket"

    /// Lines that could not be written, by outlet.
    struct Lost: Sendable {
        var file: UInt64 = 0
        var output: UInt64 = 0
        var journal: UInt64 = 0
    }

    private let options: FeedConfiguration
    private let logger: Logger
    private let lock = Mutex(Lost())
    private let file: JSONFile?
    private var toldProblem = ""

    init(_ options: FeedConfiguration, _ logger: Logger) {
        (self.options, self.logger) = (options, logger)
        file = options.jsonFile.isEmpty ? nil : JSONFile(options.jsonFile, limit: options.jsonFileMib << 20, kept: options.jsonFilesKept)
    }

    var isUsed: Bool { file != nil || options.jsonOutput || options.journal }
    var lost: Lost { lock.withLock { $0 } }

    /// Alerts and logs come from two threads; lines of one batch stay together.
    func write(_ messages: [KubeArmorMessage]) {
        guard isUsed, !messages.isEmpty else { return }
        let lines = messages.map { $0.json() + [10] }
        lock.withLock { lost in
            let text = Array(lines.joined())
            if let file, !file.append(text) {
                lost.file += UInt64(lines.count)
                // Once for each reason, and not once for each line.
                if file.problem != toldProblem { logger.error("\(file.problem): lines are lost and counted") }
            } else if let problem = file?.problem, !problem.isEmpty, problem != toldProblem {
                logger.error("\(problem): the file grows beyond its size")
            }
            toldProblem = file?.problem ?? ""
            if options.jsonOutput, !Self.print(text) { lost.output += UInt64(lines.count) }
            guard options.journal else { return }
            for (message, line) in zip(messages, lines) where !Self.send(message, line) { lost.journal += 1 }
        }
    }

    private static func print(_ text: [UInt8]) -> Bool {
        var written = 0
        while written < text.count {
            let count = text.withUnsafeBytes { Glibc.write(1, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// systemd-journald's native protocol: fields, a line each.
    private static func send(_ message: KubeArmorMessage, _ line: [UInt8]) -> Bool {
        let isAlert = message.kind == .alert
        var text = "MESSAGE=\(String(decoding: line, as: UTF8.self))SYSLOG_IDENTIFIER=portcullis\nPRIORITY=\(isAlert ? 4 : 6)\n"
        text += "PORTCULLIS_EVENT_ID=\(message.eventID)\nPORTCULLIS_OPERATION=\(message.operation)\n"
        if !message.workload.containerID.isEmpty { text += "PORTCULLIS_CONTAINER_ID=\(oneLine(message.workload.containerID))\n" }
        if !message.policyName.isEmpty { text += "PORTCULLIS_POLICY=\(oneLine(message.policyName))\n" }
        return pcl_notify(journalSocket, text, text.utf8.count) == 0
    }

    /// A newline would begin a field of somebody's choosing.
    private static func oneLine(_ text: String) -> String { text.contains("\n") ? text.split(separator: "\n").joined(separator: " ") : text }
}
#endif
