import CLinux
import Core
import Glibc
import HookWire
import Kernel
import Logging

/// `portcullisd` from its command line to its exit code.
public enum DaemonProgram {
    /// Exit codes other than 0.
    private enum Exit {
        static let failure: Int32 = 1
        static let usage: Int32 = 2
    }

    public static func run() {
        let sources: ConfigurationSources
        do {
            sources = try ConfigurationSources(
                arguments: Array(CommandLine.arguments.dropFirst()), environment: Self.environment())
        } catch {
            complain("\(error)")
            exit(Exit.usage)
        }
        switch sources.request {
        case .help: print(help)
        case .version: print("portcullisd \(BuildVersion.text) (ABI \(abiVersion))")
        case .probe: exit(probe())
        case .remove: exit(remove(sources))
        case .unlock: exit(unlock(sources))
        case .checkSandbox: exit(checkSandbox())
        case .run: exit(serve(sources))
        }
    }

    /// One JSON line for each finding.
    private static func probe() -> Int32 {
        guard geteuid() == 0 else {
            complain("--probe must run as root: others may not see what the kernel has")
            return Exit.usage
        }
        let report = MachineReport(MachineProbe.facts())
        for finding in report.findings { print(String(decoding: finding.json(), as: UTF8.self)) }
        return report.canEnforce ? 0 : Exit.failure
    }

    /// What is left of enforcement goes: nothing is denied any more, and no container is known.
    private static func remove(_ sources: ConfigurationSources) -> Int32 {
        do throws(PortcullisError) {
            guard geteuid() == 0 else { throw PortcullisError(.system, "portcullisd --remove must run as root") }
            let configuration = try ConfigurationFile(sources)
            let count = try KernelPrograms.remove(directory: configuration.current.bpfDirectory)
            print("removed \(count) pins from \(configuration.current.bpfDirectory); nothing is enforced, and no container is known")
            return 0
        } catch {
            complain("\(error)")
            return error.code == .configuration ? Exit.usage : Exit.failure
        }
    }

    /// Where no daemon runs that could be asked: until one starts again.
    private static func unlock(_ sources: ConfigurationSources) -> Int32 {
        do throws(PortcullisError) {
            guard geteuid() == 0 else { throw PortcullisError(.system, "portcullisd --unlock must run as root") }
            try KernelPrograms.unlock(directory: ConfigurationFile(sources).current.bpfDirectory, until: UInt64.max)
            print("unlocked until a daemon starts")
            return 0
        } catch {
            complain("\(error)")
            return error.code == .configuration ? Exit.usage : Exit.failure
        }
    }

    /// Whether the kernel holds the daemon to what it has given up, a line for each call.
    private static func checkSandbox() -> Int32 {
        let results = Sandbox.check()
        for result in results { print("\(result.call): \(result.isForbidden ? "forbidden" : "NOT forbidden")") }
        return results.allSatisfy(\.isForbidden) ? 0 : Exit.failure
    }

    private static func serve(_ sources: ConfigurationSources) -> Int32 {
        do throws(PortcullisError) {
            guard geteuid() == 0 else { throw PortcullisError(.system, "portcullisd must run as root: it loads eBPF programs") }
            let configuration = try ConfigurationFile(sources)
            let service = try DaemonService(configuration: configuration, logger: DaemonLogger(configuration.current))
            try service.run()
            return 0
        } catch {
            complain("\(error)")
            SystemdNotify.send("STATUS=\(error)\nERRNO=\(error.systemError)")
            return error.code == .configuration ? Exit.usage : Exit.failure
        }
    }

    private static func complain(_ message: String) {
        let line = Array("portcullisd: \(message)\n".utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        for setting in Setting.allCases {
            if let value = getenv(setting.environmentName) { variables[setting.environmentName] = String(cString: value) }
        }
        return variables
    }

    private static var help: String {
        var text = """
            usage: portcullisd [--config FILE] [--SETTING VALUE ...]

            Knows every container of this node inside the kernel. Runs in the foreground; SIGTERM stops it and leaves the
            kernel side in force, SIGHUP reads the configuration again.

            Settings, as flags over environment over file (\(Configuration.defaultFile)) over default:

            """
        for setting in Setting.allCases {
            text += "  --\(setting.rawValue)\(setting.isReloadable ? " (reloadable)" : "")\n"
            text += "      \(setting.summary); \(setting.allowed) (default \(Configuration().text(setting)))\n"
        }
        text += "  --probe\n      say what this machine can enforce, as JSON lines, and exit\n  --remove\n      take programs, labels and policies out of the kernel, and exit (portcullis down --remove)\n  --unlock\n      let others touch what is guarded, until a daemon starts, and exit (portcullis unlock)\n  --check-sandbox\n      try what a daemon in its sandbox must not be able to do, and exit\n  --version, --help\n\n"
        return text + "Exit status: 0 stopped as asked; 1 failed, or --probe: nothing can be enforced; 2 wrong usage or configuration."
    }
}
