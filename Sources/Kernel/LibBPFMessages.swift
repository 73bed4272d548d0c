import CObjects
import Synchronization

/// What libbpf says. Its warnings explain a failed load (the verifier's log is among them), so the last lines are kept for the
/// error; nothing is printed.
final class LibBPFMessages: Sendable {
    static let shared = LibBPFMessages()

    /// Lines kept; the verifier says why in its last ones.
    private static let limit = 12
    private let lines = Mutex<[String]>([])

    /// Has libbpf talk to us; once, before the first call into it.
    static func install() {
        pco_print_to { level, message in
            guard level <= 1, let message else { return }
            LibBPFMessages.shared.append(String(cString: message))
        }
    }

    private func append(_ message: String) {
        lines.withLock { lines in
            for line in message.split(separator: "\n") where !line.hasPrefix("processed ") && !line.hasPrefix("-- ") {
                lines.append(String(line))
            }
            if lines.count > Self.limit { lines.removeFirst(lines.count - Self.limit) }
        }
    }

    /// The last lines as one, and forgets them.
    func lastLines() -> String {
        lines.withLock { lines in
            defer { lines = [] }
            return lines.suffix(4).joined(separator: "; ")
        }
    }
}
