import ArgumentParser
import Client
import Core

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch the busiest containers and policies.",
        discussion: """
            Events, alerts and denials a second, of each container and each policy, the busiest first. On a terminal it takes the whole screen, and q ends it; elsewhere, or
            with --batch, it prints one block for each interval.

            Examples:
              portcullis top
              portcullis top --interval 10s --batch --count 6
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("How long to count before showing.", valueName: "time"))
    var interval = "1s"

    @Option(help: ArgumentHelp("End after so many intervals.", valueName: "number"))
    var count: Int?

    @Flag(help: "Print blocks, also on a terminal.")
    var batch = false

    private static let longestInterval = 3600

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes a number from 1 on") }
    }

    func run() throws {
        try reportingErrors {
            let seconds = try TimeSpan.seconds(interval, option: "--interval", limit: Self.longestInterval)
            let stream = try MessageStream(connection.socket, alerts: true, logs: true)
            let screen = batch || connection.json ? nil : TerminalScreen()
            defer { screen?.restore() }
            try watch(stream, seconds, screen)
        }
    }

    private func watch(_ stream: MessageStream, _ seconds: Int, _ screen: TerminalScreen?) throws {
        var stream = stream, activity = Activity(), report = Activity.Report(), shown = 0
        let length = UInt64(seconds) * 1_000_000_000
        var end = LocalNode.sinceBoot + length
        screen?.draw(ActivityText.lines(report, seconds: seconds, rows: screen?.size.rows))
        while true {
            let now = LocalNode.sinceBoot
            if now >= end {
                report = activity.turn()
                if connection.json {
                    Output.line(ActivityText.json(report, seconds: seconds, nanoseconds: LocalNode.now))
                } else if let screen {
                    screen.draw(ActivityText.lines(report, seconds: seconds, rows: screen.size.rows))
                } else {
                    for line in ActivityText.lines(report, seconds: seconds, rows: nil) + [""] { Output.line(line) }
                }
                shown += 1
                if let count, shown >= count { return }
                end = max(end + length, now)
            }
            let wait = Int32(min((end - min(end, LocalNode.sinceBoot)) / 1_000_000 + 1, 3_600_000))
            for item in try stream.next(milliseconds: wait, or: screen?.descriptors ?? []) {
                switch item {
                case .message(let message): activity.take(message)
                case .lost(_, let count): activity.lose(count)
                case .malformed, .detached: break
                }
            }
            switch screen?.input() {
            case .quit: return
            case .redraw: screen?.draw(ActivityText.lines(report, seconds: seconds, rows: screen?.size.rows))
            case nil: break
            }
        }
    }
}

/// A report of activity as text.
enum ActivityText {
    /// - Parameter rows: Of the screen; nil: as many as there are.
    static func lines(_ report: Activity.Report, seconds: Int, rows: Int?) -> [String] {
        func rate(_ count: UInt64) -> String { Self.rate(count, seconds) }
        let time = Timestamp.text(nanoseconds: LocalNode.now).dropFirst(11).prefix(8)
        var lines = [
            "portcullis top  \(time) UTC, every \(Duration.text(seconds: seconds)): \(rate(report.events)) events/s, \(rate(report.alerts)) alerts/s, \(rate(report.denied)) denied/s"
                + (report.lost > 0 ? ", \(report.lost) LOST" : ""), "",
        ]
        var containers = Table(["CONTAINER", "EVENTS/S", "ALERTS/S", "DENIED/S", "ALERTS"])
        for row in report.containers { containers.add([row.owner, rate(row.events), rate(row.alerts), rate(row.denied), "\(row.allAlerts)"]) }
        var policies = Table(["POLICY", "ALERTS/S", "DENIED/S", "ALERTS"])
        for row in report.policies { policies.add([row.policy, rate(row.alerts), rate(row.denied), "\(row.allAlerts)"]) }
        // Two thirds of a screen for containers, or what policies leave; the title takes two lines, and a blank one is between the tables.
        let room = rows.map { max($0 - 3, 4) }
        let below = room.map { min(policies.lines.count, max($0 / 3, $0 - containers.lines.count)) } ?? policies.lines.count
        lines += containers.lines.prefix(room.map { $0 - below } ?? Int.max)
        lines += [""] + policies.lines.prefix(below)
        return lines
    }

    /// With one decimal where it is small.
    static func rate(_ count: UInt64, _ seconds: Int) -> String {
        let tenths = count * 10 / UInt64(seconds)
        return tenths >= 100 || tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    static func json(_ report: Activity.Report, seconds: Int, nanoseconds: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("time", Timestamp.text(nanoseconds: nanoseconds))
            writer.member("seconds", seconds)
            writer.member("events", report.events)
            writer.member("alerts", report.alerts)
            writer.member("denied", report.denied)
            writer.member("lost", report.lost)
            writer.key("containers")
            writer.array { writer in
                for row in report.containers {
                    writer.object { writer in
                        writer.member("container", row.owner)
                        writer.member("events", row.events)
                        writer.member("alerts", row.alerts)
                        writer.member("denied", row.denied)
                        writer.member("allAlerts", row.allAlerts)
                    }
                }
            }
            writer.key("policies")
            writer.array { writer in
                for row in report.policies {
                    writer.object { writer in
                        writer.member("policy", row.policy)
                        writer.member("alerts", row.alerts)
                        writer.member("denied", row.denied)
                        writer.member("allAlerts", row.allAlerts)
                    }
                }
            }
        }
        return writer.bytes
    }
}
