import CLinux
import Core
import Glibc

/// Takes connections from a listening socket, also when the process has no descriptor left.
///
/// One descriptor is held in reserve: it makes room to accept a connection and close it, which its peer notices at once. Where
/// even that fails the connection waits for the next one to arrive, within its peer's own deadline.
struct Acceptor {
    private let listener: Int32
    private var reserve: Int32
    /// Connections that were closed at once for want of a descriptor.
    private(set) var exhausted: UInt64 = 0

    init(_ listener: Int32) {
        self.listener = listener
        reserve = Self.openReserve()
    }

    /// The next connection; nil if none waits.
    mutating func next() -> Int32? {
        while true {
            let socket = pcl_accept(listener)
            if socket >= 0 { return socket }
            switch -socket {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOMEM, ENOBUFS:
                if reserve < 0 { reserve = Self.openReserve() }
                guard reserve >= 0 else { return nil }
                close(reserve)
                let refused = pcl_accept(listener)
                if refused >= 0 {
                    exhausted += 1
                    close(refused)
                }
                reserve = Self.openReserve()
                if refused < 0 { return nil }
            default: return nil
            }
        }
    }

    private static func openReserve() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
