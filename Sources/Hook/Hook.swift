import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// The hook: read the state, read the bundle, ask `/proc`, send, wait for the answer, and never hold a container up for longer
/// than the deadline.
struct Hook: ~Copyable {
    /// Exit codes. A runtime treats every code but 0 as a failed hook and does not start the container.
    enum Exit {
        static var proceed: Int32 { 0 }
        static var denied: Int32 { 1 }
        static var usage: Int32 { 2 }
    }

    let options: Options
    private let started: Int64
    private let deadline: Int64
    private let exchange: Exchange
    private var containerID: [UInt8] = []
    private var isRemoval = false
    private var runtime = ContainerRuntime.other
    private var annotations: [HookMessage.Annotation] = []

    init(options: Options, started: Int64) {
        self.options = options
        self.started = started
        deadline = started + options.timeout
        pch_set_failure_exit(options.onFailure == .allow ? Exit.proceed : Exit.denied)
        exchange = Exchange(socket: options.socket, deadline: deadline)
    }

    /// Runs the hook with the arguments that follow the program's name; returns the exit code.
    static func run(_ arguments: [[UInt8]]) -> Int32 {
        let started = pch_now()
        switch Options.parse(arguments) {
        case .help:
            printHelp()
            return Exit.proceed
        case .version:
            var line = Line("portcullis-hook ")
            line.append(BuildVersion.text)
            line.print(to: 1)
            return Exit.proceed
        case .wrong(let argument, let problem):
            var line = Line("portcullis-hook: ")
            line.append(argument)
            line.append(": ")
            line.append(problem)
            line.append(" (see --help)")
            line.print(to: 2)
            return Exit.usage
        case .run(let options):
            var hook = Hook(options: options, started: started)
            return hook.run()
        }
    }

    private mutating func run() -> Int32 {
        if !options.problem.bytes.isEmpty { complain(options.problem) }
        // Before anything is read that others have written: what to run is the administrator's word.
        let replay = mayBeAgent ? prepareReplay() : -1
        let error = pch_confine()
        if error != 0 {
            var line = Line("goes on without a filter for its system calls: ")
            line.append(errno: -error)
            complain(line)
        }
        let result = register()
        if replay >= 0, isAgent { _ = pch_run_prepared(replay) }
        return result
    }

    private mutating func register() -> Int32 {
        let state: OCIState
        do {
            state = try OCIState.read(DescriptorSource(descriptor: 0, deadline: deadline, waits: true))
        } catch {
            return fail(document("the OCI state on standard input", error))
        }
        containerID = state.containerID
        annotations = state.annotations
        runtime = ContainerRuntime.detect(bundle: state.bundle, annotations: annotations)
        // What happens if the hook runs out of memory is decided like any other failure.
        pch_set_failure_exit(ending == .denied ? Exit.denied : Exit.proceed)
        if let problem = state.problem { return fail(Line(problem)) }

        isRemoval = state.operation == .remove
        var message = HookMessage(operation: state.operation ?? .remove, containerID: state.containerID)
        message.bundle = state.bundle
        message.hasStarted = ContainerRuntime.equal(state.status, "running")
        if message.operation == .add {
            if let problem = describe(pid: UInt32(state.pid), in: &message) { return fail(problem) }
        }
        message.elapsed = elapsed
        switch exchange.perform(message.encoded()) {
        case .answered(let answer):
            if answer.code.accepted { return Exit.proceed }
            var line = Line("refused by portcullisd: ")
            line.append(answer.reason)
            return fail(line)
        case .noAnswer(let error):
            var line = Line("no answer from portcullisd on ")
            line.append(options.socket)
            line.append(": ")
            line.append(errno: error)
            return fail(line, keeping: message)
        case .garbage:
            var line = Line("what listens on ")
            line.append(options.socket)
            line.append(" is not portcullisd")
            return fail(line, keeping: message)
        }
    }

    /// Microseconds since the start.
    private var elapsed: UInt32 { UInt32(truncatingIfNeeded: max(pch_now() - started, 1_000) / 1_000) }

    /// Fills an add with what the bundle and `/proc` say; returns what went wrong, nil if nothing did.
    private mutating func describe(pid: UInt32, in message: inout HookMessage) -> Line? {
        var path = Path(message.bundle)
        path.append("/config.json")
        let descriptor = path.withCString { pch_open_regular($0) }
        guard descriptor >= 0 else {
            var line = Line()
            line.append(path.bytes)
            line.append(": ")
            line.append(errno: -descriptor)
            return line
        }
        defer { _ = pch_close(descriptor) }
        do {
            let config = try BundleConfig.read(DescriptorSource(descriptor: descriptor, deadline: deadline, waits: false), window: DescriptorSource.window)
            message.annotations = config.annotations
            message.apparmorProfile = config.apparmorProfile
            message.argument0 = config.argument0
            message.rootfs = config.rootfs
        } catch {
            var line = Line()
            line.append(path.bytes)
            return document(line, error)
        }
        guard let facts = ProcessFacts.read(pid: pid) else {
            var line = Line("the container's init, process ")
            line.append(Int(pid))
            line.append(", is gone")
            return line
        }
        message.pid = pid
        message.pidNamespace = facts.pidNamespace
        message.mountNamespace = facts.mountNamespace
        message.startTime = facts.startTime
        message.cgroupPath = facts.cgroupPath
        return nil
    }

    // MARK: Failure

    private func document(_ name: StaticString, _ error: JSONError) -> Line { document(Line(name), error) }

    private func document(_ name: Line, _ error: JSONError) -> Line {
        var line = name
        line.append(" ")
        line.append(error.reason)
        if error.kind == .input {
            line.append(": ")
            line.append(errno: error.systemError)
        } else {
            line.append(", at byte ")
            line.append(error.offset)
        }
        return line
    }

    /// Applies the failure policy: prints the one line that `kubectl describe pod` will show, and leaves word to the daemon.
    ///
    /// - Parameter message: What nobody took, to be kept for the daemon's return.
    private func fail(_ problem: Line, keeping message: HookMessage? = nil) -> Int32 {
        let ending = self.ending
        var problem = problem
        if var message {
            message.ending = ending
            let error = Spool(directory: options.spool).keep(message.encoded(bodyLimit: Spool.bodyLimit), containerID: containerID)
            problem.append(error == 0 ? "; kept in " : "; not kept in ")
            problem.append(options.spool)
            if error != 0 {
                problem.append(": ")
                problem.append(errno: error)
            }
        } else {
            exchange.tell(HookReport(containerID: containerID, ending: ending, elapsed: elapsed, problem: problem.bytes).encoded())
        }
        var line = problem
        switch ending {
        case .letThroughByNamespace: line.append("; not protected, let through (--allow-namespace)")
        case .denied: line.append(isNamespace(in: options.deniedNamespaces) ? "; denied (--deny-namespace)" : "; denied (--on-failure deny)")
        case .letThrough, .unknown: line.append(isRemoval ? "; let through (--on-failure allow)" : "; not protected, let through (--on-failure allow)")
        }
        complain(line)
        return ending == .denied ? Exit.denied : Exit.proceed
    }

    private var ending: HookEnding {
        if isNamespace(in: options.deniedNamespaces) { return .denied }
        if options.onFailure == .allow { return .letThrough }
        return isNamespace(in: options.allowedNamespaces) ? .letThroughByNamespace : .denied
    }

    private func isNamespace(in listed: [[UInt8]]) -> Bool {
        let namespace = runtime.namespace(in: annotations)
        guard !namespace.isEmpty else { return false }
        for name in listed where name == namespace { return true }
        return false
    }

    private func complain(_ problem: Line) {
        var line = Line("portcullis-hook: ")
        if !containerID.isEmpty {
            line.append("container ")
            line.append(containerID, limit: 80)
            line.append(": ")
        }
        line.append(problem.bytes, limit: 1_200)
        line.print(to: 2)
    }

    // MARK: The agent's own container

    private var mayBeAgent: Bool { !options.replayProgram.isEmpty && !options.agentAnnotation.isEmpty }

    /// Whether this is the container that the daemon itself starts in, by the annotation that the administrator named.
    private var isAgent: Bool {
        guard !isRemoval, let equals = options.agentAnnotation.firstIndex(of: UInt8(ascii: "=")) else { return false }
        for annotation in annotations where annotation.key == Array(options.agentAnnotation[..<equals]) {
            return annotation.value == Array(options.agentAnnotation[(equals + 1)...])
        }
        return false
    }

    /// A daemon in a container sees no runtime's directories: the host's own program looks, as soon as the daemon's socket is there.
    ///
    /// - Returns: What runs it; negative if it cannot be run.
    private func prepareReplay() -> Int32 {
        var words: [[UInt8]] = [options.replayProgram]
        for word: StaticString in ["replay", "--quiet", "--wait", "120s", "--again", "3s", "--socket"] { words.append(Options.bytes(word)) }
        words.append(options.socket)
        let prepared = Self.prepare(words[...], [])
        guard prepared < 0 else { return prepared }
        var line = Line("cannot run ")
        line.append(options.replayProgram)
        line.append(": ")
        line.append(errno: -prepared)
        complain(line)
        return prepared
    }

    /// The words as C strings, one level of recursion for each, since each is only valid while it is held.
    private static func prepare(_ words: ArraySlice<[UInt8]>, _ pointers: [UnsafePointer<CChar>?]) -> Int32 {
        guard let word = words.first else {
            let terminated = pointers + [nil]
            return terminated.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress, let program = buffer[0] else { return 0 }
                return pch_prepare_program(program, base)
            }
        }
        return Path(word).withCString { bytes in
            bytes.withMemoryRebound(to: CChar.self, capacity: word.count + 1) { prepare(words.dropFirst(), pointers + [UnsafePointer($0)]) }
        }
    }

    private static func printHelp() {
        Line("""
            usage: portcullis-hook [options] < OCI-state

            Registers a starting container with portcullisd, or removes a stopped one. Run by a container runtime as a
            prestart or createRuntime hook and as a poststop hook; what to do follows from the state's status.

              --socket PATH           portcullisd's socket (default /run/portcullis/hook.sock)
              --timeout TIME          for everything together, 1ms to 10s (default 1s)
              --on-failure allow|deny what to do when the container cannot be registered (default allow)
              --allow-namespace NS    let this Kubernetes namespace through all the same; may be repeated
              --deny-namespace NS     hold this one up even with --on-failure allow; may be repeated
              --spool DIR             where messages wait for a daemon that is away (default /run/portcullis/spool)
              --config FILE           the same as JSON (default /etc/portcullis/hook.json, if it is there); flags win
              --agent-annotation K=V  the daemon's own container; when it starts, --replay-program looks for what runs
              --replay-program PATH   the command portcullis on this host
              --version, --help

            Exit status: 0 registered, or let through with a line on standard error; 1 denied; 2 wrong usage.
            """).print(to: 1)
    }
}
