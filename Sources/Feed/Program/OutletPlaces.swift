#if Feed
import CLinux
import Core
import Glibc

/// A message on its way to the outlets: made into JSON once, for all of them.
struct OutletLine: Sendable {
    /// With its newline.
    let json: [UInt8]
    let kind: KubeArmorMessage.Kind
    /// Messages that are missing where this one is: 1, but for a word about losses, repeats or what was held back.
    let weight: UInt64
    /// What the journal has as fields.
    let eventID, operation, containerID, policyName: String

    init(_ message: KubeArmorMessage) {
        (json, kind, weight) = (message.json() + [10], message.kind, message.lostCount ?? message.heldCount ?? message.repeatCount)
        (eventID, operation, containerID, policyName) = (message.eventID, message.operation, message.workload.containerID, message.policyName)
    }
}

/// Messages that an outlet did not take, by kind, as they are told.
struct OutletLosses: Sendable {
    private(set) var alerts: UInt64 = 0
    private(set) var logs: UInt64 = 0

    var total: UInt64 { alerts + logs }
    var isEmpty: Bool { total == 0 }

    subscript(kind: KubeArmorMessage.Kind) -> UInt64 {
        get { kind == .alert ? alerts : logs }
        set { if kind == .alert { alerts = newValue } else { logs = newValue } }
    }

    mutating func add(_ line: OutletLine) { self[line.kind] += line.weight }
    mutating func add(_ other: OutletLosses) { (alerts, logs) = (alerts + other.alerts, logs + other.logs) }
}

/// Where lines go. One thread at a time writes.
protocol OutletPlace: AnyObject {
    /// What of these could not be written; `problem` says why.
    func write(_ lines: ArraySlice<OutletLine>) -> OutletLosses
    /// The last thing that went wrong; empty once a line could be written again.
    var problem: String { get }
}

extension JSONFile: OutletPlace {
    /// All or nothing.
    func write(_ lines: ArraySlice<OutletLine>) -> OutletLosses {
        append(Array(lines.lazy.map(\.json).joined())) ? OutletLosses() : lines.reduce(into: OutletLosses()) { $0.add($1) }
    }
}

/// The output that the program was started with: a pipe, a terminal, a file.
final class StandardOutput: OutletPlace {
    private(set) var problem = ""
    /// What was written last ended within a line.
    private var isCut = false

    func write(_ lines: ArraySlice<OutletLine>) -> OutletLosses {
        // What is there by half must not have another line begin there.
        let text = (isCut ? [10] : []) + Array(lines.lazy.map(\.json).joined())
        let written = write(text)
        if written > 0 { isCut = text[written - 1] != 10 }
        if written == text.count { problem = "" }
        var losses = OutletLosses(), end = text.count
        for line in lines.reversed() {
            // Without its newline, which is then written before the next one, it is whole, too.
            if end - 1 > written { losses.add(line) }
            end -= line.json.count
        }
        return losses
    }

    private func write(_ text: [UInt8]) -> Int {
        var written = 0
        while written < text.count {
            let count = text.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                // Whoever started the program shares the pipe's flags.
                var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                poll(&output, 1, -1)
                continue
            }
            guard count > 0 else {
                problem = "writing: \(SystemErrorText.text(errno))"
                break
            }
            written += count
        }
        return written
    }
}

/// systemd-journald, in its native protocol: fields, a line each.
final class Journal: OutletPlace {
    private let socket: String
    /// Kept: where the host's sockets are reported, making one for each line would be an event, and the next line.
    private var descriptor: Int32 = -1
    private(set) var problem = ""

    init(_ socket: String) { self.socket = socket }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ lines: ArraySlice<OutletLine>) -> OutletLosses {
        var losses = OutletLosses()
        problem = ""
        if descriptor < 0 { descriptor = pcl_datagram_socket() }
        for line in lines {
            let text = Self.entry(line)
            let error = descriptor < 0 ? descriptor : pcl_send_datagram(descriptor, socket, text, text.utf8.count)
            guard error < 0 else { continue }
            losses.add(line)
            problem = "sending to \(socket): \(SystemErrorText.text(-error))"
        }
        return losses
    }

    private static func entry(_ line: OutletLine) -> String {
        var text = "MESSAGE=\(String(decoding: line.json, as: UTF8.self))SYSLOG_IDENTIFIER=portcullis\nPRIORITY=\(line.kind == .alert ? 4 : 6)\n"
        text += "PORTCULLIS_EVENT_ID=\(line.eventID)\nPORTCULLIS_OPERATION=\(line.operation)\n"
        if !line.containerID.isEmpty { text += "PORTCULLIS_CONTAINER_ID=\(oneLine(line.containerID))\n" }
        if !line.policyName.isEmpty { text += "PORTCULLIS_POLICY=\(oneLine(line.policyName))\n" }
        return text
    }

    /// A newline would begin a field of somebody's choosing.
    private static func oneLine(_ text: String) -> String { text.contains("\n") ? text.split(separator: "\n").joined(separator: " ") : text }
}
#endif
