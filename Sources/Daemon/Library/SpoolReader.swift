import CLinux
import Core
import Glibc
import HookWire

/// Counters of the spool; each only grows.
struct SpoolCounters {
    /// Messages that were carried out.
    var accepted: UInt64 = 0
    /// Messages about a process that has ended since, and other refusals.
    var refused: UInt64 = 0
    /// Files that no hook can have written. They are removed, and the log names them.
    var invalid: UInt64 = 0
    /// Removes that were older than `SpoolReader.removeLifetime`, and what hooks that were killed while they wrote have left.
    var expired: UInt64 = 0
    /// Files left for the next time: beyond `SpoolReader.fileLimit`, or not to be taken; counted each time.
    var left: UInt64 = 0

    mutating func add(_ other: SpoolCounters) {
        accepted += other.accepted
        refused += other.refused
        invalid += other.invalid
        expired += other.expired
        left += other.left
    }
}

/// Notices messages that come into the spool while the daemon runs: a hook that it was too slow for has let its container go on.
struct SpoolWatch {
    private var notifier: Int32 = -1

    /// Watches for files that are renamed into place.
    mutating func watch(_ directory: String, _ poller: Poller) throws(PortcullisError) {
        notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard notifier >= 0, inotify_add_watch(notifier, directory, UInt32(IN_MOVED_TO)) >= 0 else {
            throw PortcullisError(.system, "watching \(directory)", errno: errno)
        }
        try poller.add(notifier, PollToken(.spool))
    }

    /// Forgets the notices; the whole spool is read after any of them.
    func clear() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Glibc.read(notifier, &buffer, buffer.count) > 0 {}
    }
}

/// Carries out what hooks left in the spool while no daemon ran: one file a container, each with one frame.
struct SpoolReader {
    /// Files read at one start; a node has no more containers than that.
    static let fileLimit = 65_536
    /// Seconds for which a remove is good. An add is good for as long as the process lives that it names, and no longer.
    static let removeLifetime = 24 * 3600
    /// Seconds after which an unfinished file is nobody's any more: a hook lives for ten at most.
    static let writingLifetime = 60

    let directory: String
    /// No id has a blank, so no hook's file is called so.
    private static let taken = "being taken"

    /// Reads every file and removes it once `handle` has answered; a file is validated as a peer's frame is.
    ///
    /// - Returns: Counters, and a line for each file that was no message or could not be removed, and one for all that could not be taken.
    func drain(_ handle: (HookMessage, ArraySlice<UInt8>) -> HookAnswer) -> (SpoolCounters, complaints: [String]) {
        var counters = SpoolCounters()
        var complaints: [String] = []
        guard let names = list(&complaints, &counters) else { return (counters, complaints) }
        counters.left = UInt64(max(names.count - Self.fileLimit, 0))
        // Taken aside first: a hook that times out meanwhile may put a newer message under the name.
        let path = directory + "/\(Self.taken)"
        var untaken: [String] = []
        for name in names.prefix(Self.fileLimit) {
            var info = stat()
            // Taken aside it would be in the way of every message after it.
            if lstat(directory + "/" + name, &info) == 0, info.st_mode & S_IFMT == S_IFDIR {
                counters.invalid += 1
                complaints.append("\(name): it is a directory, and stays")
                continue
            }
            guard rename(directory + "/" + name, path) == 0 else {
                if errno != ENOENT { untaken.append("\(name): \(SystemErrorText.text(errno))") }
                continue
            }
            do throws(PortcullisError) {
                let (bytes, age) = try read(path)
                var message: HookMessage
                do { message = try HookMessage(decoding: bytes[Frame.lengthBytes...]) } catch {
                    throw PortcullisError(.peer, "\(error.reason)")
                }
                if message.operation == .remove, age > Self.removeLifetime {
                    counters.expired += 1
                    unlink(path)
                    continue
                }
                // Its hook has let the container go on long ago.
                message.hasStarted = true
                let body = message.encoded()[Frame.lengthBytes...]
                if handle(message, body).code.accepted { counters.accepted += 1 } else { counters.refused += 1 }
            } catch {
                counters.invalid += 1
                complaints.append("\(name): \(error)")
            }
            if unlink(path) != 0 { complaints.append("\(name) stays, and will be read again: \(SystemErrorText.text(errno))") }
        }
        if let first = untaken.first {
            counters.left += UInt64(untaken.count)
            complaints.append("\(untaken.count) messages cannot be taken and stay; \(first)")
        }
        return (counters, complaints)
    }

    /// The files' names in order; nil if there is no spool. A directory that others could write to is not read.
    private func list(_ complaints: inout [String], _ counters: inout SpoolCounters) -> [String]? {
        var info = stat()
        guard lstat(directory, &info) == 0 else { return nil }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            complaints.append("\(directory) is not a directory of ours alone, so nothing in it is believed")
            return nil
        }
        // Left by a daemon that was killed between taking a message aside and carrying it out.
        rename(directory + "/\(Self.taken)", directory + "/\(Self.taken).frame")
        guard let names = FileAccess.names(in: directory) else {
            complaints.append("reading \(directory): \(SystemErrorText.text(errno))")
            return nil
        }
        for name in names where name.hasPrefix(".") && name.hasSuffix(".frame") { if isAbandoned(directory + "/" + name) { counters.expired += 1 } }
        return names.filter { $0.hasSuffix(".frame") && !$0.hasPrefix(".") }.sorted()
    }

    /// Removes a file that is being written by nobody: one that is too old, or from a time to come, since clocks are set.
    private func isAbandoned(_ path: String) -> Bool {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG, abs(time(nil) - info.st_mtim.tv_sec) > Self.writingLifetime else { return false }
        return unlink(path) == 0
    }

    /// One whole frame, and its age in seconds.
    private func read(_ path: String) throws(PortcullisError) -> ([UInt8], age: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
        // The directory is ours alone; a file in it that is another's was moved there, and is not a hook's.
        guard info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(), info.st_mode & 0o022 == 0 else {
            throw PortcullisError(.peer, "it is not a file of ours alone")
        }
        guard let bytes = FileAccess.read(descriptor, limit: Frame.bodyLimit + Frame.lengthBytes) else {
            throw PortcullisError(.system, "reading \(path)", errno: errno)
        }
        let length = bytes.prefix(Frame.lengthBytes).enumerated().reduce(0) { $0 | Int($1.element) << ($1.offset * 8) }
        guard bytes.count >= Frame.lengthBytes, length == bytes.count - Frame.lengthBytes else {
            throw PortcullisError(.peer, "it is not one whole frame")
        }
        return (bytes, time(nil) - info.st_mtim.tv_sec)
    }
}
