import Core
import Glibc
import HookWire

/// What podman and Docker keep of one container beside podman's lists.
public enum StoredLabels {
    /// The labels of a container of podman's, from the database besides its lists.
    ///
    /// - Throws: `.system` or `.peer` for a database that cannot be read or is not root's alone, or if none knows the container: podman writes it there before
    ///   the container starts.
    public static func podman(_ id: [UInt8], lists: [UInt8]) throws(PortcullisError) -> [HookMessage.Annotation] {
        let places = PodmanStorage.databases(besides: lists)
        for (path, isSQLite) in [(text(places.sqlite), true), (text(places.bolt), false)] {
            if let config = try config(of: id, path, isSQLite: isSQLite) {
                do { return try PodmanStorage.labels(inConfig: config) } catch {
                    throw PortcullisError(.peer, "\(path) has a container whose configuration \(error.reason), at byte \(error.offset)")
                }
            }
        }
        throw PortcullisError(.peer, "neither \(text(places.sqlite)) nor \(text(places.bolt)) knows the container")
    }

    /// nil if there is no such database, or it does not know the container.
    private static func config(of id: [UInt8], _ path: String, isSQLite: Bool) throws(PortcullisError) -> [UInt8]? {
        let file: DatabaseFile
        do { file = try DatabaseFile(path) } catch {
            if error.systemError == ENOENT { return nil }
            throw error
        }
        do throws(PortcullisError) { return try isSQLite ? PodmanStorage.config(of: id, sqlite: file) : PodmanStorage.config(of: id, bolt: file) } catch {
            throw error.code == .peer ? PortcullisError(.peer, "\(path) \(error.message)") : error
        }
    }

    /// Name, image and labels of a container of Docker's.
    ///
    /// - Throws: `.system` or `.peer` for a file that is not there, cannot be read or is not root's alone.
    public static func docker(_ message: HookMessage) throws(PortcullisError) -> StoredNames {
        let paths = DockerStorage.files(rootfs: message.rootfs, id: message.containerID)
        for path in paths {
            do { try RootOwnedFile.checkPath(path) } catch {
                if error.systemError == ENOENT || error.systemError == ENOTDIR { continue }
                throw error
            }
            let bytes = try RootOwnedFile.read(path, limit: dockerLimit)
            do {
                if let names = try DockerStorage.names(in: ArraySource(bytes), of: message.containerID) { return names }
            } catch { throw PortcullisError(.peer, "\(path) \(error.reason), at byte \(error.offset)") }
        }
        throw PortcullisError(.peer, "the container is not known to \(paths.joined(separator: " nor to "))")
    }

    /// Bytes of Docker's file, of one container: with what its image says of itself, which may be long.
    private static let dockerLimit = 4 << 20

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
