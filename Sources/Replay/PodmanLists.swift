import Core
import Glibc
import HookWire

/// podman's lists of containers on this machine's disk.
public enum PodmanLists {
    /// Bytes of one list that the daemon reads while a container waits: that takes some 3 ms, and is 1,900 containers.
    public static let waitingLimit = 1 << 20

    /// What the lists of a directory say of one container; nil if they do not know it.
    ///
    /// - Throws: `.system` or `.peer` for a list that cannot be read, is not root's alone, too long or no list.
    public static func names(of id: [UInt8], in directory: [UInt8]) throws(PortcullisError) -> StoredNames? {
        for file in PodmanStorage.files {
            if let names = try names(in: path(directory, file), only: id, limit: waitingLimit)[id] { return names }
        }
        return nil
    }

    /// What one list says of all its containers; nothing if there is none.
    static func all(in directory: [UInt8], _ file: String) throws(PortcullisError) -> [[UInt8]: StoredNames] {
        try names(in: path(directory, file), only: nil, limit: JSONLimits.documentBytes)
    }

    private static func path(_ directory: [UInt8], _ file: String) -> String { "\(String(decoding: directory, as: UTF8.self))/\(file)" }

    private static func names(in path: String, only id: [UInt8]?, limit: Int) throws(PortcullisError) -> [[UInt8]: StoredNames] {
        let bytes: [UInt8]
        do { bytes = try RootOwnedFile.read(path, limit: limit) } catch {
            if error.systemError == ENOENT { return [:] }
            throw error
        }
        guard !bytes.isEmpty else { return [:] }
        do { return try PodmanStorage.names(in: ArraySource(bytes), only: id) } catch {
            throw PortcullisError(.peer, "\(path) \(error.reason), at byte \(error.offset)")
        }
    }
}
