import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// The hook: read the state, read the bundle, ask `/proc`, send, wait for the answer, and never hold a container up for longer
/// than the deadline.
struct Hook {
    /// Exit codes. A runtime treats every code but 0 as a failed hook and does not start the container.
    enum Exit {
        static var proceed: Int32 { 0 }
        static var denied: Int32 { 1 }
        static var usage: Int32 { 2 }
    }

    let options: Options
    let deadline: Int64
    private var containerID: [UInt8] = []
    private var isRemoval = false
    private var runtime = ContainerRuntime.other
    private var annotations: [HookMessage.Annotation] = []

    init(options: Options, started: Int64) {
        self.options = options
        deadline = started + options.timeout
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
        pch_set_failure_exit(options.onFailure == .allow ? Exit.proceed : Exit.denied)
        let exchange = Exchange(socket: options.socket, deadline: deadline)
        let state: OCIState
        do {
            state = try OCIState.read(DescriptorSource(descriptor: 0, deadline: deadline, waits: true))
        } catch {
            return fail(document("the OCI state on standard input", error))
        }
        containerID = state.containerID
        annotations = state.annotations
        runtime = ContainerRuntime.detect(bundle: state.bundle, annotations: annotations)
        if let problem = state.problem { return fail(Line(problem)) }

        isRemoval = state.operation == .remove
        var message = HookMessage(operation: state.operation ?? .remove, containerID: state.containerID)
        message.bundle = state.bundle
        message.hasStarted = ContainerRuntime.equal(state.status, "running")
        if message.operation == .add {
            if let problem = describe(pid: UInt32(state.pid), in: &message) { return fail(problem) }
        }
        let frame = message.encoded()
        switch exchange.perform(frame) {
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
            return spool(frame, line)
        case .garbage:
            var line = Line("what listens on ")
            line.append(options.socket)
            line.append(" is not portcullisd")
            return spool(frame, line)
        }
    }

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

    /// Keeps the message for the daemon's return, then applies the failure policy.
    private func spool(_ frame: [UInt8], _ problem: Line) -> Int32 {
        var line = problem
        let error = Spool(directory: options.spool).keep(frame, containerID: containerID)
        if error == 0 {
            line.append("; kept in ")
            line.append(options.spool)
        } else {
            line.append("; not kept in ")
            line.append(options.spool)
            line.append(": ")
            line.append(errno: error)
        }
        return fail(line)
    }

    /// Prints the one line that `kubectl describe pod` will show, and decides by the failure policy.
    private func fail(_ problem: Line) -> Int32 {
        var line = Line("portcullis-hook: ")
        if !containerID.isEmpty {
            line.append("container ")
            line.append(containerID, limit: 80)
            line.append(": ")
        }
        line.append(problem.bytes, limit: 1_000)
        let exit: Int32
        if options.onFailure == .allow {
            line.append(isRemoval ? "; let through (--on-failure allow)" : "; not protected, let through (--on-failure allow)")
            exit = Exit.proceed
        } else if isAllowedNamespace {
            line.append("; not protected, let through (--allow-namespace)")
            exit = Exit.proceed
        } else {
            line.append("; denied (--on-failure deny)")
            exit = Exit.denied
        }
        line.print(to: 2)
        return exit
    }

    private var isAllowedNamespace: Bool {
        let namespace = runtime.namespace(in: annotations)
        guard !namespace.isEmpty else { return false }
        for allowed in options.allowedNamespaces where allowed == namespace { return true }
        return false
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
              --spool DIR             where messages wait for a daemon that is away (default /run/portcullis/spool)
              --version, --help

            Exit status: 0 registered, or let through with a line on standard error; 1 denied; 2 wrong usage.
            """).print(to: 1)
    }
}
