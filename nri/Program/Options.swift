#if NRI
import ArgumentParser

/// Options of `portcullis-nri`.
struct Options: ParsableArguments {
    @Option(help: "The runtime's NRI socket.") var socket = "/var/run/nri/nri.sock"
    @Option(help: "This plugin's name.") var name = "portcullis"
    @Option(help: "Two digits: plugins are called in this order.") var index = "10"
    @Option(help: "portcullisd's hook socket.") var hookSocket = "/run/portcullis/hook.sock"
    @Option(help: "The hook that containers are given, as the host sees it.") var hookPath = "/usr/libexec/portcullis/portcullis-hook"
    @Flag(help: "Give containers no hook: they are registered when the runtime starts them, and nothing removes them but their end.") var noHook = false
    @Flag(help: "Give the hook although this process does not see its file, as in a container.") var unseenHook = false
    @Option(help: "The hook's settings, of which those about failures count here, too.") var hookConfig = "/etc/portcullis/hook.json"
    @Option(help: "Milliseconds that the daemon may take to confirm a container, 1 to 1500; the runtime gives a plugin up after 2000.") var timeout = 1000
    @Option(help: "Where the OCI runtime keeps the state of the runtime's containers, to notice when the runtime no longer tells of them; may be repeated.")
    var runtimeState: [String] = ["/run/containerd/runc/k8s.io"]
    @Option(help: "A socket that tells this plugin's state, as JSON, to whoever connects; empty for none.") var statusSocket = "/run/portcullis/nri.sock"
    @Option(help: "error, warning, info or debug.") var logLevel = "info"

    func validate() throws {
        guard index.utf8.count == 2, index.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw ValidationError("index: \(index) is not two digits")
        }
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            throw ValidationError("name: \(name) is not a name of letters, digits and _.+-")
        }
        guard (1...1500).contains(timeout) else { throw ValidationError("timeout: \(timeout) is not 1 to 1500") }
        guard hookPath.hasPrefix("/") else { throw ValidationError("hook-path: \(hookPath) is not an absolute path") }
        guard ["error", "warning", "info", "debug"].contains(logLevel) else { throw ValidationError("log-level: \(logLevel) is not one of error, warning, info, debug") }
    }
}
#endif
