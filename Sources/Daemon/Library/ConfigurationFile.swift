import CLinux
import Core
import Glibc
import Kernel

/// The configuration and the file behind it: read at start, read again on SIGHUP or when it changes.
final class ConfigurationFile {
    /// What a reload came to.
    struct Report {
        /// Settings that have a new value in force.
        var applied: [String] = []
        /// Settings that differ in the file but need a restart.
        var deferred: [String] = []
    }

    /// Bytes of the file; more is no configuration.
    private static let sizeLimit = 64 << 10

    let sources: ConfigurationSources
    let path: String
    private(set) var current: Configuration
    /// What the last reload complained of; nil if the file is in force.
    private(set) var problem: String?
    private var existed: Bool
    private var notifier: Int32 = -1

    init(_ sources: ConfigurationSources) throws(PortcullisError) {
        self.sources = sources
        path = sources.file ?? Configuration.defaultFile
        existed = access(path, F_OK) == 0
        current = try Self.read(sources, path, mustExist: false)
    }

    private static func read(_ sources: ConfigurationSources, _ path: String, mustExist: Bool) throws(PortcullisError) -> Configuration {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT, sources.file == nil, !mustExist { return try sources.configuration(file: path, text: nil) }
            throw PortcullisError(.configuration, "reading \(path)", errno: errno)
        }
        defer { close(descriptor) }
        guard let text = FileAccess.read(descriptor, limit: sizeLimit) else { throw PortcullisError(.configuration, "reading \(path)", errno: errno) }
        guard text.count <= sizeLimit else { throw PortcullisError(.configuration, "\(path) is larger than \(sizeLimit) bytes") }
        return try sources.configuration(file: path, text: text)
    }

    var postureSettings: PostureSettings { PostureSettings(general: current.postures, namespaces: current.namespaces) }

    /// Reads the file again. If it is wrong, nothing changes; what needs a restart is reported and not applied.
    func reload() -> Result<Report, PortcullisError> {
        let read: Configuration
        // A file that was there and is gone is a wrong file, not a wish for the defaults: editors remove before they write.
        do { read = try Self.read(sources, path, mustExist: existed) } catch {
            problem = error.description
            return .failure(error)
        }
        problem = nil
        existed = access(path, F_OK) == 0
        var report = Report()
        for setting in Setting.allCases where read.text(setting) != current.text(setting) {
            guard setting.isReloadable else {
                report.deferred.append(setting.rawValue)
                continue
            }
            _ = current.apply(setting, read.text(setting))
            report.applied.append(setting.rawValue)
        }
        current.warnings = read.warnings
        if read.namespaces != current.namespaces {
            current.namespaces = read.namespaces
            report.applied.append("namespaces")
        }
        if read.nodeLabels != current.nodeLabels {
            current.nodeLabels = read.nodeLabels
            report.applied.append("node-labels")
        }
        return .success(report)
    }

    /// Watches the file's directory: editors and configuration management replace files rather than write them.
    func watch(_ poller: Poller) throws(PortcullisError) {
        let directory = RuntimeDirectory.parent(of: path)
        guard access(directory, F_OK) == 0 else { return }
        notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard notifier >= 0 else { throw PortcullisError(.system, "creating a file watch", errno: errno) }
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM)
        guard inotify_add_watch(notifier, directory, mask) >= 0 else {
            throw PortcullisError(.system, "watching \(directory)", errno: errno)
        }
        try poller.add(notifier, PollToken(.configuration))
    }

    /// True if one of the waiting notices is about our file. The others are about its neighbours.
    func hasChanged() -> Bool {
        let name = Array(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...].utf8)
        let headerSize = MemoryLayout<inotify_event>.size
        var buffer = [UInt8](repeating: 0, count: 4096)
        var changed = false
        while true {
            let count = Glibc.read(notifier, &buffer, buffer.count)
            guard count > 0 else { return changed }
            var offset = 0
            while offset + headerSize <= count {
                let (length, mask) = buffer.withUnsafeBytes {
                    let event = $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    return (Int(event.len), event.mask)
                }
                let text = buffer[(offset + headerSize)..<min(offset + headerSize + length, count)].prefix { $0 != 0 }
                // A queue that overflowed may have lost the notice we wait for.
                if Array(text) == name || mask & UInt32(IN_Q_OVERFLOW) != 0 { changed = true }
                offset += headerSize + length
            }
        }
    }
}
