import CLinux
import Core
import Glibc

/// The socket of those who may read what happens and change nothing: `portcullis-feed`. Who may reach it the directory says: it is root's, and its group may enter.
final class EventsListener {
    private let path: String
    private var acceptor: Acceptor
    /// The directory's, as it is now: an administrator who gives it to a group need not restart anything. 0, root's, if it cannot be told.
    var group: UInt32 {
        var info = stat()
        return lstat(RuntimeDirectory.parent(of: path), &info) == 0 ? info.st_gid : 0
    }

    /// Makes the directory if it is missing, for root alone, and listens.
    ///
    /// - Throws: `.conflict` if others than root could put something there.
    init(_ path: String, _ poller: Poller) throws(PortcullisError) {
        self.path = path
        let directory = RuntimeDirectory.parent(of: path)
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw PortcullisError(.system, "creating \(directory)", errno: errno) }
        var info = stat()
        guard lstat(directory, &info) == 0 else { throw PortcullisError(.system, "reading \(directory)", errno: errno) }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o027 == 0 else {
            throw PortcullisError(
                .conflict, "\(directory) is open to others; it must belong to uid \(geteuid()) with mode 0700, or 0750 for a group that may read events")
        }
        let listener = try RuntimeDirectory.listen(path)
        // The directory keeps others out; its group has to be let in here. umask(2) has taken that.
        guard chmod(path, 0o666) == 0 else { throw PortcullisError(.system, "opening \(path) to its group", errno: errno) }
        acceptor = Acceptor(listener)
        try poller.add(listener: listener, PollToken(.eventsListener))
        self.listener = listener
    }

    private let listener: Int32

    func next() -> Int32? { acceptor.next() }

    func close() {
        _ = Glibc.close(listener)
        unlink(path)
    }
}
