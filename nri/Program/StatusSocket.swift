#if NRI
import CLinux
import Core
import Glibc

/// Tells this plugin's state to whoever connects: one JSON object and the end.
struct StatusSocket {
    let path: String
    let descriptor: Int32

    /// Listens, for root alone.
    ///
    /// - Throws: `.system` if it cannot, `.conflict` if another plugin does already.
    init(_ path: String) throws(PortcullisError) {
        self.path = path
        let other = pcl_unix_connect_within(path, 200)
        if other >= 0 {
            close(other)
            throw PortcullisError(.conflict, "\(path): another portcullis-nri answers there")
        }
        unlink(path)
        let mask = umask(0o177)
        descriptor = pcl_unix_listen(path, 8)
        umask(mask)
        guard descriptor >= 0 else { throw PortcullisError(.system, "listening on \(path)", errno: -descriptor) }
    }

    /// Answers all that wait. Who does not take a few hundred bytes at once gets none.
    func answer(_ state: [UInt8]) {
        while true {
            let peer = pcl_accept(descriptor)
            guard peer >= 0 else { return }
            _ = state.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) }
            close(peer)
        }
    }
}
#endif
