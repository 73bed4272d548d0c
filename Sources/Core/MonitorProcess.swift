import HookWire

/// A process that runtimes leave beside each container, read from its command line: it leads to containers whose state directories are in unusual places.
public enum MonitorProcess: Equatable, Sendable {
    /// containerd's shim, one for a pod. Its working directory is the bundle of `id`, and the bundles of the pod lie beside it.
    case shim(namespace: String, id: String)
    /// conmon, one for a container of podman or CRI-O.
    case conmon(id: String, bundle: String, pidFile: String)

    /// Nil if it is no such process.
    ///
    /// - Parameter arguments: As `/proc/<pid>/cmdline` has them, without the NULs.
    public init?(arguments: [String]) {
        guard let program = arguments.first?.split(separator: "/").last else { return nil }
        func option(_ names: String...) -> String? {
            guard let index = arguments.firstIndex(where: names.contains), index + 1 < arguments.count else { return nil }
            return arguments[index + 1]
        }
        if program.hasPrefix("containerd-shim") {
            guard let id = option("-id", "--id") else { return nil }
            self = .shim(namespace: option("-namespace", "--namespace") ?? "", id: id)
        } else if program == "conmon" {
            guard let id = option("-c", "--cid"), let bundle = option("-b", "--bundle"), let file = option("-p", "--container-pidfile"),
                bundle.hasPrefix("/"), file.hasPrefix("/")
            else { return nil }
            self = .conmon(id: id, bundle: bundle, pidFile: file)
        } else {
            return nil
        }
    }
}

/// Containers by the name of their cgroup.
public enum CgroupName {
    /// What stands before the id under systemd (`docker-<id>.scope`).
    private static let prefixes = ["docker-", "cri-containerd-", "crio-", "libpod-"]

    /// The id that a cgroup's path ends in, or has above its last part (crun makes `libpod-<id>.scope/container`): 64 hexadecimal digits, as containerd,
    /// Docker, podman and CRI-O give them. Nil for anything else, monitors (`crio-conmon-<id>`) included.
    public static func containerID(in path: [UInt8]) -> String? {
        for part in path.split(separator: UInt8(ascii: "/")).suffix(2).reversed() {
            var name = Substring(String(decoding: part, as: UTF8.self))
            if name.hasSuffix(".scope") { name = name.dropLast(6) }
            for prefix in prefixes where name.hasPrefix(prefix) {
                name = name.dropFirst(prefix.count)
                break
            }
            if name.utf8.count == 64, name.utf8.allSatisfy(isHexadecimal) { return String(name) }
        }
        return nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
