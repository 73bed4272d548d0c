#if NRI
import ArgumentParser
import Glibc
import NRI

/// Options of `portcullis-nri`.
struct Options: ParsableArguments {
    /// What NRI takes in a plugin's name, from 0.11 on.
    private static func isOfName(_ byte: UInt8) -> Bool {
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        return isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "_.+-".utf8.contains(byte)
    }

    /// The hook of the same installation, in /usr or /usr/local; the usual one if there is none.
    private static func installedHook() -> String {
        let usual = "/usr/libexec/portcullis/portcullis-hook"
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return usual }
        var parts = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 3 else { return usual }
        parts.removeLast(2)
        let beside = parts.joined(separator: "/") + "/libexec/portcullis/portcullis-hook"
        return access(beside, X_OK) == 0 ? beside : usual
    }

    @Option(help: "The runtime's NRI socket.") var socket = "/var/run/nri/nri.sock"
    @Option(help: "This plugin's name.") var name = "portcullis"
    @Option(help: "Two digits: plugins are called in this order.") var index = "10"
    @Option(help: "portcullisd's hook socket.") var hookSocket = "/run/portcullis/hook.sock"
    @Option(help: ArgumentHelp("The hook that containers are given, as the host sees it. (default: what is installed with this program)", valueName: "path"))
    var hookPath = Options.installedHook()
    @Flag(help: "Give containers no hook: they are registered when the runtime starts them, and nothing removes them but their end.") var noHook = false
    @Flag(help: "Give the hook although this process does not see its file, as in a container.") var unseenHook = false
    @Option(help: "The hook's settings, of which those about failures count here, too.") var hookConfig = GivenHook.usualSettings
    @Option(help: "Milliseconds that the daemon may take to confirm a container, 1 to 1500; the runtime gives a plugin up after 2000.") var timeout = 1000
    @Option(help: "Where the OCI runtime keeps the state of the runtime's containers, to notice when the runtime no longer tells of them; may be repeated.")
    var runtimeState: [String] = ["/run/containerd/runc/k8s.io"]
    @Option(help: "A socket that tells this plugin's state, as JSON, to whoever connects; empty for none.") var statusSocket = "/run/portcullis/nri.sock"
    @Option(help: "error, warning, info or debug.") var logLevel = "info"

    func validate() throws {
        guard index.utf8.count == 2, index.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw ValidationError("index: \(index) is not two digits")
        }
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isOfName) else {
            throw ValidationError("name: \(name) is not a name of letters, digits and _.+-")
        }
        guard (1...1500).contains(timeout) else { throw ValidationError("timeout: \(timeout) is not 1 to 1500") }
        guard hookConfig.hasPrefix("/") else { throw ValidationError("hook-config: \(hookConfig) is not an absolute path") }
        guard hookPath.hasPrefix("/") else { throw ValidationError("hook-path: \(hookPath) is not an absolute path") }
        guard ["error", "warning", "info", "debug"].contains(logLevel) else { throw ValidationError("log-level: \(logLevel) is not one of error, warning, info, debug") }
    }
}
#endif
