import CLinux
import Core
import Glibc
import Kernel

/// Who may speak to the daemon: root of the host itself, in no container but the agent's own.
///
/// The socket's file mode keeps others out already; this check is for what file modes cannot say: root of another user
/// namespace, a root process of a container that has the directory mounted, a container's process that entered by mistake.
struct PeerCheck {
    /// Why a peer was turned away.
    enum Refusal: String, CaseIterable {
        case uid = "not root"
        case unseen = "not visible in this pid namespace"
        case gone = "ended before it could be looked at"
        case unseeable = "could not be looked at: the daemon has no descriptor left"
        case userNamespace = "in another user namespace"
        case pidNamespace = "in another pid namespace"
        case labelled = "a container's process"
        case mountNamespace = "in another mount namespace, and strict-mount-namespace is on"
    }

    enum Verdict {
        case allowed(foreignMounts: Bool, ofAgent: Bool)
        case refused(Refusal)
    }

    let kernel: PinnedMaps
    /// From the configuration; changes with a reload.
    var strict: Bool
    /// Whether a process with this label is one of the agent's own containers.
    let isOfAgent: (SlotReference, ProcessIdentity) -> Bool

    /// Looks at the process that connected, through a pidfd where the kernel has one for it (6.5), by its pid elsewhere.
    ///
    /// - Parameter group: Whose processes may speak, too; nil or 0: root's alone.
    func verdict(on socket: Int32, group: UInt32? = nil) -> (Verdict, pcl_peer) {
        var peer = pcl_peer()
        guard pcl_peer_of(socket, &peer) == 0 else { return (.refused(.gone), peer) }
        let isOfGroup = group.map { $0 != 0 && peer.gid == $0 } ?? false
        guard peer.uid == 0 || isOfGroup else { return (.refused(.uid), peer) }
        guard peer.pid > 0 else { return (.refused(.unseen), peer) }
        var descriptor = pcl_peer_pidfd(socket)
        if descriptor < 0 { descriptor = pcl_pidfd_open(peer.pid) }
        guard descriptor >= 0 else {
            return (.refused(descriptor == -EMFILE || descriptor == -ENFILE ? .unseeable : .gone), peer)
        }
        defer { close(descriptor) }
        return (judge(descriptor, UInt32(peer.pid)), peer)
    }

    private func judge(_ descriptor: Int32, _ pid: UInt32) -> Verdict {
        guard let found = try? kernel.identify(descriptor, pid: pid) else { return .refused(.gone) }
        let host = kernel.host ?? kernel.daemon.key
        guard found.userNamespace == kernel.daemon.userNamespace else { return .refused(.userNamespace) }
        guard found.key.pid == host.pid else { return .refused(.pidNamespace) }
        // A label that cannot be read is a label: what cannot be decided is refused.
        let label: SlotReference?
        do { label = try kernel.label(descriptor, found) } catch { return .refused(.labelled) }
        if let label, !isOfAgent(label, found) { return .refused(.labelled) }
        let foreign = found.key.mount != host.mount && found.key.mount != kernel.daemon.key.mount
        return foreign && strict ? .refused(.mountNamespace) : .allowed(foreignMounts: foreign, ofAgent: label != nil)
    }
}
