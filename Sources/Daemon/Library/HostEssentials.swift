import Core
import Glibc

/// What on this machine nobody can do without: of the usual places those that are there, as the kernel names them, and this daemon itself.
enum HostEssentials {
    static func find(_ configuration: ConfigurationFile) -> HostHazard.Essentials {
        let usual = HostHazard.Essentials.usual, settings = configuration.current
        // The daemon itself is never denied anything by these policies; who corrects them is.
        let own = [configuration.path, settings.policyDirectory + "/any.yaml", settings.controlSocket, settings.hookSocket, "/dev/pts/0"]
        return HostHazard.Essentials(
            programs: existing(usual.programs + ["/proc/self/exe"]), libraries: existing(usual.libraries), written: existing(usual.written) + own)
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
