import ArgumentParser
import Client
import Core

/// How alerts and logs are printed.
enum MessageFormat: String, ExpressibleByArgument, CaseIterable {
    /// One line for a person.
    case compact
    /// Columns.
    case table
    /// The daemon's own objects.
    case json
    /// KubeArmor's objects.
    case kubearmor
}

/// Chooses alerts and logs, prints them, and counts.
struct MessagePrinter {
    let format: MessageFormat
    let filter: MessageFilter
    private var left: Int?
    private var hasTitle = false
    private var malformed = 0

    init(_ format: MessageFormat, _ filter: MessageFilter, limit: Int?) {
        (self.format, self.filter) = (format, filter)
        left = limit
    }

    /// As many are printed as were asked for.
    var isDone: Bool { left.map { $0 <= 0 } ?? false }

    mutating func print(_ message: KubeArmorMessage) {
        guard !isDone, filter.matches(message) else { return }
        // What says that others are missing is none of those that were asked for.
        if !message.isLossNotice { left = left.map { $0 - 1 } }
        switch format {
        case .json, .kubearmor: Output.line(message.json())
        case .table where !message.isLossNotice:
            if !hasTitle { Output.line(MessageText.title) }
            hasTitle = true
            Output.line(MessageText.row(MessageText.cells(message).map(Output.clean)))
        case .table, .compact: Output.line(Output.clean(MessageText.compact(message)))
        }
    }

    mutating func print(_ item: MessageStream.Item) {
        switch item {
        case .message(let message): print(message)
        case .lost(let kind, let count):
            print(LocalNode.translator().lossNotice(kind, count, nanoseconds: LocalNode.now, why: "this reader is too slow"))
        case .malformed:
            if malformed == 0 { Output.complain("portcullis: the daemon sends records that this program cannot read") }
            malformed += 1
        case .detached(let programs):
            Output.complain("portcullis: programs are detached, so that what they would see is missing: \(programs.joined(separator: " "))")
        }
    }
}
