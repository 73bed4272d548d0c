import Core
import LineLog
import Logging

/// The daemon's log, whose level may change while it runs.
final class DaemonLogger {
    private(set) var logger: Logger

    init(_ configuration: Configuration) {
        let style = LineLogHandler.Style(configuration.logFormat)
        logger = Logger(label: "portcullisd") { _ in LineLogHandler(style: style) }
        logger.logLevel = Logger.Level(configuration.logLevel)
    }

    func setLevel(_ level: Configuration.LogLevel) { logger.logLevel = Logger.Level(level) }
}
