import CHookSystem
#if !SINGLE_MODULE
import HookWire
import RuntimeWrapper
#endif

/// The wrapper of a runtime: where a container is made, the hook is put into the bundle first; then, and for everything else at
/// once, it becomes the runtime, with the same words, environment and descriptors.
struct Wrapper {
    typealias Vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    private var settings = WrapperSettings()
    private let commandLine: RuntimeCommandLine
    private let started: Int64

    /// Runs with C's arguments. Returns only an exit code other than 0, or 0 behind help or the version.
    static func run(_ count: Int32, _ vector: Vector) -> Int32 {
        let started = pch_now()
        pch_set_failure_exit(1)
        let words = words(count, vector)
        let own = WrapperSettings.ownCount(words)
        var wrapper = Wrapper(commandLine: RuntimeCommandLine(Array(words[own...])), started: started)
        let problem = wrapper.readFile(WrapperSettings.file(in: words[..<own]))
        switch wrapper.settings.take(words[..<own]) {
        case .help:
            printHelp()
            return 0
        case .version:
            var line = Line("portcullis-runtime ")
            line.append(BuildVersion.text)
            line.print(to: 1)
            return 0
        case .wrong(let word, let reason):
            // A container that is there has to end all the same.
            if let made = Maker.find(wrapper.commandLine, wanted: []) { return wrapper.become(made, vector + own) }
            var line = Line()
            line.append(word)
            line.append(": ")
            line.append(reason)
            line.append(" (see --portcullis-help)")
            return wrapper.fail(line, exit: 2)
        case .run:
            // A file that is wrong may have said which runtime it is: containers that there are must be told to end all the same.
            if let problem, wrapper.mayMakeContainer { return wrapper.fail(problem, exit: 2) }
            return wrapper.run(vector + own)
        }
    }

    private init(commandLine: RuntimeCommandLine, started: Int64) {
        self.commandLine = commandLine
        self.started = started
    }

    private var mayMakeContainer: Bool { commandLine.makesContainer || commandLine.problem != nil }

    private func run(_ vector: Vector) -> Int32 {
        if mayMakeContainer, let problem = insertHook(), let denial = decide(problem) { return fail(denial, exit: 1) }
        if let made = Maker.find(commandLine, wanted: settings.runtime) { return become(made, vector) }
        var path = Path(settings.runtime)
        var error = Int32(0)
        if settings.runtime.isEmpty {
            guard let found = Self.findRuntime("/runc") else {
                return fail(Line("no runc in /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin, /sbin or /bin (see --portcullis-runtime)"), exit: 1)
            }
            path = found
        } else {
            error = path.withCString { pcr_look_at_program($0) }
        }
        if error == 0 {
            if commandLine.makesContainer { Maker.write(path, bundle: commandLine.bundle) }
            return become(path, vector)
        }
        return fail(path, error)
    }

    /// Returns only if that fails.
    private func become(_ path: Path, _ vector: Vector) -> Int32 {
        fail(
            path,
            path.withCString { bytes in
                // The program's own name, as if it had been called itself: crun looks at it.
                let word = UnsafeMutablePointer(mutating: bytes)
                return word.withMemoryRebound(to: CChar.self, capacity: path.bytes.count + 1) { name in
                    vector[0] = name
                    return pcr_execute(bytes, vector)
                }
            })
    }

    private func fail(_ path: Path, _ error: Int32) -> Int32 {
        var line = Line()
        line.append(path.bytes)
        line.append(": ")
        if error > 0 { line.append("is this wrapper itself, not a runtime") } else { line.append(errno: -error) }
        return fail(line, exit: 1)
    }

    /// - Parameter name: Of the program, with a slash before it.
    static func findRuntime(_ name: StaticString) -> Path? {
        for directory: StaticString in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
            var path = Path(directory)
            path.append(name)
            if path.withCString({ pcr_look_at_program($0) }) == 0 { return path }
        }
        return nil
    }

    // MARK: The bundle

    /// Puts the hook into the bundle; returns what went wrong, nil if nothing did.
    private func insertHook() -> Line? {
        if let problem = commandLine.problem {
            var line = Line()
            line.append(problem.word)
            line.append(": ")
            line.append(problem.reason)
            return line
        }
        let hook = hookPath
        // A runtime would refuse every container whose hook is not there.
        let error = hook.withCString { pcr_look_at_program($0) }
        guard error >= 0 else { return Self.line(hook.bytes, errno: -error) }
        guard error == 0 else { return Self.line(hook.bytes, "is this wrapper itself, not the hook") }
        return Bundle(path: commandLine.configPath).insert(HookEntry(path: hook.bytes, arguments: settings.hookArguments))
    }

    /// The hook of the settings, or the one that was installed with this program.
    private var hookPath: Path {
        guard settings.hook.isEmpty else { return Path(settings.hook) }
        var own = [UInt8](unsafeUninitializedCapacity: HookLimits.path) { buffer, count in
            count = Int(max(Path("/proc/self/exe").withCString { pch_readlink($0, buffer.baseAddress, buffer.count) }, 0))
        }
        guard let slash = own.lastIndex(of: UInt8(ascii: "/")) else { return Path("/usr/libexec/portcullis/portcullis-hook") }
        own.removeLast(own.count - slash)
        var path = Path(own)
        path.append("/portcullis-hook")
        return path
    }

    // MARK: Settings

    /// Reads the file named, or the usual one, which need not be there; returns what is wrong with it.
    private mutating func readFile(_ named: [UInt8]?) -> Line? {
        let path = Path(named ?? Options.bytes("/etc/portcullis/runtime.json"))
        let descriptor = path.withCString { pch_open_regular($0) }
        guard descriptor >= 0 else {
            if named == nil, descriptor == -pch_errno_not_found() { return nil }
            return Self.line(path.bytes, errno: -descriptor)
        }
        defer { _ = pch_close(descriptor) }
        var line = Line()
        line.append(path.bytes)
        guard pch_is_roots(descriptor) != 0 else { return Self.line(path.bytes, "is not believed: others than its owner may write it") }
        do {
            var read = settings
            let source = DescriptorSource(descriptor: descriptor, deadline: pch_now() + Options.millisecond * 1_000, waits: false)
            guard let problem = try read.read(source, window: DescriptorSource.window) else {
                settings = read
                return nil
            }
            settings.takeRuntime(of: read)
            line.append(": ")
            line.append(problem.name)
            line.append(": ")
            line.append(problem.reason)
        } catch {
            line.append(" ")
            line.append(error.reason)
            line.append(", at byte ")
            line.append(error.offset)
        }
        return line
    }

    // MARK: Failure

    /// Decides as the hook itself would, by its arguments and its file, and leaves word to the daemon.
    ///
    /// - Returns: The line if the container is denied; nil if it is let through without the hook, which has then been said.
    private func decide(_ problem: Line) -> Line? {
        var line = problem
        guard case .run(let options) = Options.parse(settings.hookArguments) else {
            line.append("; denied (the hook would refuse its arguments)")
            return line
        }
        let isDenied = options.onFailure == .deny
        let exchange = Exchange(socket: options.socket, deadline: started + options.timeout)
        var told = Line("portcullis-runtime: ")
        told.append(problem.bytes, limit: 1_000)
        let elapsed = UInt32(truncatingIfNeeded: max(pch_now() - started, 1_000) / 1_000)
        exchange.tell(HookReport(containerID: commandLine.containerID, ending: isDenied ? .denied : .letThrough, elapsed: elapsed, problem: told.bytes).encoded())
        line.append(isDenied ? "; denied (--on-failure deny)" : "; not protected, let through (--on-failure allow)")
        if isDenied { return line }
        complaint(line).print(to: 2)
        return nil
    }

    /// Says it on standard error, and in the runtime's log: containerd reads the reason there.
    private func fail(_ problem: Line, exit code: Int32) -> Int32 {
        let line = complaint(problem)
        line.print(to: 2)
        guard !commandLine.log.isEmpty else { return code }
        var now: (Int32, Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &now) { pcr_utc($0.assumingMemoryBound(to: Int32.self).baseAddress) }
        let moment = RuntimeLog.Moment(
            year: Int(now.0), month: Int(now.1), day: Int(now.2), hour: Int(now.3), minute: Int(now.4), second: Int(now.5))
        let entry = RuntimeLog.error(line.bytes, at: moment, isJSON: commandLine.isLogJSON)
        _ = Path(commandLine.log).withCString { path in entry.withUnsafeBytes { pcr_append(path, $0.baseAddress, $0.count) } }
        return code
    }

    private func complaint(_ problem: Line) -> Line {
        var line = Line("portcullis-runtime: ")
        if !commandLine.containerID.isEmpty {
            line.append("container ")
            line.append(commandLine.containerID, limit: 80)
            line.append(": ")
        }
        line.append(problem.bytes, limit: 1_200)
        return line
    }

    static func line(_ path: [UInt8], errno error: Int32) -> Line {
        var line = Line()
        line.append(path)
        line.append(": ")
        line.append(errno: error)
        return line
    }

    static func line(_ path: [UInt8], _ reason: StaticString) -> Line {
        var line = Line()
        line.append(path)
        line.append(" ")
        line.append(reason)
        return line
    }

    /// The arguments after the program's name, as bytes.
    private static func words(_ count: Int32, _ vector: Vector) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for index in 1..<max(Int(count), 1) {
            guard let argument = vector[index] else { break }
            var bytes: [UInt8] = []
            var offset = 0
            while argument[offset] != 0 {
                bytes.append(UInt8(bitPattern: argument[offset]))
                offset += 1
            }
            result.append(bytes)
        }
        return result
    }

    private static func printHelp() {
        Line("""
            usage: portcullis-runtime [--portcullis-OPTION=VALUE ...] RUNTIME-WORDS...

            Puts portcullis-hook into the bundle of a container that is to be made (create, run, restore), then becomes the
            OCI runtime with the same words. For Docker, which runs no hooks by itself.

              --portcullis-runtime=PATH   the runtime (default: the first runc in /usr/local/sbin ... /bin)
              --portcullis-hook=PATH      the hook (default: portcullis-hook beside this program)
              --portcullis-hook-arg=WORD  what the hook is called with; may be repeated
              --portcullis-config=FILE    the same as JSON (default /etc/portcullis/runtime.json, if it is there)
              --portcullis-version, --portcullis-help

            Where the hook cannot be put in, its own failure policy decides: --on-failure of its arguments or hook.json.
            """).print(to: 1)
    }
}
