#if NRI
import CLinux
import Core
import Glibc

/// Tells this plugin's state to whoever connects: one JSON object and the end.
struct StatusSocket {
    /// Nanoseconds for which nobody is answered when an answer could not be given a descriptor, and until listening is tried again.
    private static let pause: UInt64 = 1_000_000_000
    private static let retry: UInt64 = 2_000_000_000

    private let path: String
    private var listener: Int32 = -1
    /// When this is to be looked at again; nil while it listens.
    private(set) var deadline: UInt64?
    /// Why it does not listen, when that was not known yet.
    private var problem = ""

    /// - Parameter path: Empty for none.
    init(_ path: String) {
        self.path = path
        if !path.isEmpty { deadline = 0 }
    }

    /// What is to be waited for; -1 for nothing.
    var descriptor: Int32 { deadline == nil ? listener : -1 }

    /// Listens, for root alone, if it is time to try. Its state is for people; what the plugin does must not depend on it.
    ///
    /// - Returns: Why nobody can ask, once for each reason.
    mutating func renew(now: UInt64) -> String? {
        guard let deadline, deadline <= now else { return nil }
        self.deadline = nil
        guard listener < 0 else { return nil }
        do throws(PortcullisError) {
            listener = try Self.listen(path)
            problem = ""
            return nil
        } catch {
            self.deadline = now + Self.retry
            defer { problem = error.description }
            return problem == error.description ? nil : error.description
        }
    }

    /// Listens anew: the directory has been made again, and what was listened on is in none any more.
    mutating func again() {
        guard !path.isEmpty else { return }
        if listener >= 0 { close(listener) }
        listener = -1
        deadline = 0
    }

    /// - Throws: `.system` if it cannot, `.conflict` if another plugin does already.
    private static func listen(_ path: String) throws(PortcullisError) -> Int32 {
        let other = pcl_unix_connect_within(path, 200)
        if other >= 0 {
            close(other)
            throw PortcullisError(.conflict, "\(path): another portcullis-nri answers there")
        }
        unlink(path)
        let mask = umask(0o177)
        let descriptor = pcl_unix_listen(path, 8)
        umask(mask)
        guard descriptor >= 0 else { throw PortcullisError(.system, "listening on \(path)", errno: -descriptor) }
        return descriptor
    }

    /// Answers all that wait. Who does not take a few hundred bytes at once gets none.
    mutating func answer(_ state: [UInt8], now: UInt64) {
        while true {
            let peer = pcl_accept(listener)
            guard peer >= 0 else {
                // Without a descriptor to spare who waits would wake this again at once.
                if peer != -EAGAIN, peer != -ECONNABORTED, peer != -EINTR { deadline = now + Self.pause }
                return
            }
            _ = state.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) }
            close(peer)
        }
    }
}
#endif
