import Core
import Glibc

/// What on this machine nobody can do without: of the usual places those that are there, as the kernel names them, and this daemon itself.
enum HostEssentials {
    static func find() -> HostHazard.Essentials {
        HostHazard.Essentials(
            programs: existing(HostHazard.Essentials.usual.programs + ["/proc/self/exe"]), libraries: existing(HostHazard.Essentials.usual.libraries))
    }

    /// Without links in them, each once.
    private static func existing(_ paths: [String]) -> [String] {
        var found: [String] = []
        for path in paths {
            guard let resolved = realpath(path, nil) else { continue }
            defer { free(resolved) }
            let name = String(cString: resolved)
            if !found.contains(name) { found.append(name) }
        }
        return found
    }

    /// This machine as policies select it.
    static func node(_ configuration: Configuration) -> NodeLabels {
        var name = utsname()
        guard uname(&name) == 0 else { return NodeLabels(labels: configuration.nodeLabels, hostName: "") }
        let hostName = withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return NodeLabels(labels: configuration.nodeLabels, hostName: hostName)
    }
}
