import Core
import Glibc
import Logging
import Synchronization

/// Writes log lines to standard error: for a person on a terminal, as JSON lines elsewhere.
public struct LineLogHandler: LogHandler {
    public enum Style: Sendable {
        case text
        case json

        /// The style for a setting; `auto` looks at standard error.
        public init(_ format: Configuration.LogFormat) {
            switch format {
            case .text: self = .text
            case .json: self = .json
            case .auto: self = isatty(2) == 1 ? .text : .json
            }
        }
    }

    /// Lines that nobody took.
    public static var linesLost: UInt64 { lost.load(ordering: .relaxed) }
    private static let lost = Atomic<UInt64>(0)

    private let style: Style
    public var logLevel = Logger.Level.info
    public var metadata: Logger.Metadata = [:]

    public init(style: Style) { self.style = style }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let (level, message) = (event.level, event.message)
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let time = Timestamp.text(nanoseconds: UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec))
        var line: [UInt8]
        switch style {
        case .json:
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("time", time)
                writer.member("level", level.rawValue)
                writer.member("message", message.description)
                for (key, value) in fields { writer.member(key, value.description) }
            }
            line = writer.bytes
        case .text:
            line = Array("\(time) \(level.rawValue.uppercased()) \(Self.clean(message.description))".utf8)
            for (key, value) in fields { line.append(contentsOf: " \(key)=\(Self.clean(value.description))".utf8) }
        }
        // A line that a pipe takes whole or not at all: pipe(7), PIPE_BUF.
        if line.count > 4095 { line = Array(line.prefix(4095)) }
        line.append(0x0A)
        // Containers wait for this thread: a log that nobody reads costs lines, not their start.
        var poller = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        guard poll(&poller, 1, 0) > 0, poller.revents & Int16(POLLOUT) != 0 else {
            Self.lost.wrappingAdd(1, ordering: .relaxed)
            return
        }
        // One write for each line, so that lines of two processes on one terminal do not mix.
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    /// Control characters from a container's name must not move a terminal's cursor.
    private static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
    }
}

extension Logger.Level {
    public init(_ level: Configuration.LogLevel) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}
