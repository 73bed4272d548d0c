#if NRI
import CLinux
import Core
import Glibc

/// Notices three things on disk: that the daemon's socket is made anew, that the runtime's is, and that the OCI runtime makes a container.
struct Watches {
    /// What was noticed.
    enum Notice {
        case daemonIsBack
        case runtimeIsBack
        /// The id of a container whose state has appeared.
        case appeared(String)
        /// Notices were lost.
        case overflow
    }

    let descriptor: Int32
    private let hookSocket: Place
    private let runtimeSocket: Place
    private let states: [String]
    /// A directory may be known by several names, and has one watch.
    private var directories: [Int32: Set<String>] = [:]

    /// A file that may come and go.
    private struct Place {
        let directory: String
        let name: String

        init(_ path: String) {
            let slash = path.lastIndex(of: "/") ?? path.startIndex
            directory = slash == path.startIndex ? "/" : String(path[..<slash])
            name = String(path[slash...].drop { $0 == "/" })
        }
    }

    init(hookSocket: String, runtimeSocket: String, states: [String]) throws(PortcullisError) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard descriptor >= 0 else { throw PortcullisError(.system, "watching directories", errno: errno) }
        self.hookSocket = Place(hookSocket)
        self.runtimeSocket = Place(runtimeSocket)
        self.states = states
    }

    /// Watches what is not watched yet; a directory may be made later than this is asked.
    ///
    /// - Returns: Whether the daemon's directory is among what is watched from now on.
    mutating func renew() -> Bool {
        for state in states { add(state) }
        add(runtimeSocket.directory)
        return add(hookSocket.directory)
    }

    var watchesRuntime: Bool { states.contains(where: isWatched) }

    /// Whether there is nothing left to look for.
    var isComplete: Bool { isWatched(hookSocket.directory) && isWatched(runtimeSocket.directory) && states.allSatisfy(isWatched) }

    private func isWatched(_ directory: String) -> Bool { directories.values.contains { $0.contains(directory) } }

    @discardableResult
    private mutating func add(_ directory: String) -> Bool {
        guard !isWatched(directory) else { return false }
        let watch = inotify_add_watch(descriptor, directory, UInt32(IN_CREATE | IN_MOVED_TO | IN_ONLYDIR))
        if watch >= 0 { directories[watch, default: []].insert(directory) }
        return watch >= 0
    }

    /// Whether the state of a container is still there.
    func exists(_ id: String) -> Bool { states.contains { access("\($0)/\(id)", F_OK) == 0 } }

    /// What has happened since the last time.
    mutating func read() -> [Notice] {
        var notices: [Notice] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return notices }
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let start = offset + MemoryLayout<inotify_event>.size
                offset = start + Int(event.len)
                let name = String(decoding: buffer[start..<min(offset, count)].prefix { $0 != 0 }, as: UTF8.self)
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { notices.append(.overflow) }
                // The directory is gone; one that is made in its place is found by `renew`.
                if event.mask & UInt32(IN_IGNORED) != 0 { directories[event.wd] = nil }
                guard let names = directories[event.wd], !name.isEmpty else { continue }
                if names.contains(hookSocket.directory), name == hookSocket.name { notices.append(.daemonIsBack) }
                if names.contains(runtimeSocket.directory), name == runtimeSocket.name { notices.append(.runtimeIsBack) }
                if states.contains(where: names.contains), event.mask & UInt32(IN_ISDIR) != 0 { notices.append(.appeared(name)) }
            }
        }
    }
}
#endif
