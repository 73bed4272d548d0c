import Client
import Core
import FoundationEssentials
import Glibc

/// The trial: whether a container is denied what a policy denies, from its very first program on.
extension Doctor {
    mutating func examineVerdict() {
        guard let status else { return refuse(.fail, "no daemon answers", "start it, then try again") }
        // A machine that is meant to observe, or is paused on purpose, is nothing that has failed.
        guard status["enforcement"]["active"].isTrue == true else { return refuse(.warn, "nothing is enforced here", "portcullis probe says what to do") }
        guard status["enforcement"]["pauses"].elements.isEmpty else { return refuse(.warn, "enforcement is paused", "portcullis resume ends it, then try again") }
        guard let runtime = SearchPath.find("runc") ?? SearchPath.find("crun") else { return refuse(.fail, "neither runc nor crun is in PATH, nor in an sbin beside it", "PATH=... portcullis doctor --try") }
        guard let hookSocket = status["configuration"]["hook-socket"].text else { return refuse(.fail, "the daemon does not say where its hook socket is", "use the doctor of the daemon's own version") }
        let trial = DoctorTrial(socket: socket, hook: hook, hookSocket: hookSocket, runtime: runtime)
        for finding in DoctorTrial.undisturbed({ trial.run() }) { report.add(finding) }
    }

    /// A trial that was asked for and cannot begin.
    private mutating func refuse(_ state: DoctorReport.State, _ found: String, _ advice: String) {
        report.add(DoctorReport.Finding(state, "trial", found, advice: advice))
        tellLeftTrial()
    }

    /// - Returns: True if a trial that was killed has left something, which has then been said.
    @discardableResult
    mutating func tellLeftTrial() -> Bool {
        guard status != nil, let left = DoctorTrial.left(socket) else { return false }
        report.warn("trial", "one that was killed has left \(left)", "portcullis doctor --try takes it away")
        return true
    }
}

/// Two containers of one program: the one that no rule names has to run, the copy of it that a policy denies must not.
struct DoctorTrial {
    let socket: String
    let hook: String
    let hookSocket: String
    let runtime: String

    /// Fixed, so that what a killed one has left is found again; root's alone, and on a file system from which programs run.
    private static let directory = "/var/lib/portcullis-doctor"
    /// Of policy and containers; also the namespace of both, in which no other policy is meant for them.
    private static let name = "portcullis-doctor"
    /// Milliseconds for each run of the runtime.
    private static let patience: Int32 = 30_000

    typealias Finding = DoctorReport.Finding

    /// Signals that would end this wait until everything is taken away.
    static func undisturbed(_ body: () -> [Finding]) -> [Finding] {
        var signals = sigset_t(), former = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        return body()
    }

    func run() -> [Finding] {
        let lock: Int32
        do throws(PortcullisError) { lock = try Self.takeDirectory() } catch { return [Finding(.fail, "trial", error.description, advice: "mend that, then try again")] }
        defer { close(lock) }
        // Of one that was killed: before anything of this one, and complained of only if it cannot go.
        var findings = cleanUp()
        guard findings.isEmpty else { return findings }
        do throws(PortcullisError) {
            try makeBundle()
            try change(.applyPolicies, PolicySubmission(name: "(portcullis doctor)", text: Array(Self.policy.utf8)).encoded)
            findings.append(try verdict())
        } catch { findings.append(Finding(.fail, "trial", error.description, advice: "docs/operations.md, When something is denied at three in the morning")) }
        findings += cleanUp()
        rmdir(Self.directory)
        return findings
    }

    // MARK: The two containers

    private func verdict() throws(PortcullisError) -> Finding {
        let allowed = try start("allowed")
        guard allowed.status == 0 else {
            return Finding(.fail, "trial", "a container does not start: \(allowed.said)", advice: "\(runtime) fails, the hook cannot register it, or a cluster policy denies it: portcullis alerts, journalctl -u portcullisd")
        }
        let denied = try start("denied")
        guard denied.status != 0 else {
            return Finding(.fail, "trial", "a container ran what a policy denies", advice: "please report it, with portcullis status --json and portcullis probe")
        }
        guard denied.isRefusal else {
            return Finding(.fail, "trial", "a container fails for another reason than the policy: \(denied.said)", advice: "journalctl -u portcullisd")
        }
        return Finding(.ok, "trial", "a container was denied what a policy denies, and nothing else")
    }

    /// - Returns: `said` is the last line, which is the runtime's own reason where it fails.
    private func start(_ program: String) throws(PortcullisError) -> (status: Int32, said: String, isRefusal: Bool) {
        try write(configuration(program), "bundle/config.json")
        let (output, status) = try ChildOutput.runToEnd(
            runtime, ["--root", Self.directory + "/state", "run", "--bundle", Self.directory + "/bundle", "\(Self.name)-\(program)"], takesErrors: true, patience: Self.patience)
        let text = String(decoding: output, as: UTF8.self)
        return (status, text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "exit status \(status)", text.contains("ermission denied") || text.contains("peration not permitted"))
    }

    // MARK: What is made, and taken away

    /// - Returns: The directory, locked: there is one trial at a time.
    private static func takeDirectory() throws(PortcullisError) -> Int32 {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw PortcullisError(.system, "making \(directory)", errno: errno) }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening \(directory)", errno: errno) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_uid == 0, info.st_mode & 0o077 == 0 else {
            close(descriptor)
            throw PortcullisError(.peer, "\(directory) is not root's alone")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            throw PortcullisError(.conflict, "\(directory) is in use by another portcullis doctor", errno: error)
        }
        return descriptor
    }

    private func makeBundle() throws(PortcullisError) {
        for part in ["state", "spool", "bundle", "bundle/rootfs", "bundle/rootfs/proc", "bundle/rootfs/dev"] {
            // The container's root directory is for everybody, whatever the umask.
            let path = "\(Self.directory)/\(part)"
            guard mkdir(path, 0o700) == 0, chmod(path, part.hasPrefix("bundle/") ? 0o755 : 0o700) == 0 else { throw PortcullisError(.system, "making \(path)", errno: errno) }
        }
        // The hook is one static program, which does nothing when it is asked for its version.
        guard let program = try PlacedFile.read(hook, limit: 64 << 20) else { throw PortcullisError(.system, "reading \(hook)", errno: ENOENT) }
        for name in ["allowed", "denied"] { try write(program, "bundle/rootfs/\(name)", mode: 0o755) }
    }

    private func write(_ bytes: [UInt8], _ name: String, mode: mode_t = 0o600) throws(PortcullisError) {
        try PlacedFile.write(bytes, to: "\(Self.directory)/\(name)", mode: mode)
    }

    private func change(_ command: ControlProtocol.Command, _ bytes: [UInt8]) throws(PortcullisError) {
        var conversation = try ControlConnection(socket, command, bytes: bytes, patience: Int(Doctor.patience))
        defer { conversation.close() }
        guard let item = try conversation.next(), let outcome = try? JSONDocument(item) else { throw PortcullisError(.peer, "the daemon sent no answer") }
        guard outcome["accepted"].isTrue == true else { throw PortcullisError(.peer, "the daemon refuses the trial's policy: \(outcome["errors"].elements.first?.text ?? "")") }
    }

    private static func hasPolicy(_ socket: String) throws(PortcullisError) -> Bool {
        var conversation = try ControlConnection(socket, .policies, patience: Int(Doctor.patience))
        defer { conversation.close() }
        while let item = try conversation.next() { if (try? JSONDocument(item))?["identity"].text == "\(name)/\(name)" { return true } }
        return false
    }

    /// Everything but the directory itself; each part is tried whatever became of the others.
    private func cleanUp() -> [Finding] {
        var left: [Finding] = []
        for program in ["allowed", "denied"] where access("\(Self.directory)/state/\(Self.name)-\(program)", F_OK) == 0 {
            let name = "\(Self.name)-\(program)"
            let outcome = try? ChildOutput.runToEnd(runtime, ["--root", Self.directory + "/state", "delete", "--force", name], takesErrors: true, patience: Self.patience)
            if outcome?.status != 0 { left.append(Finding(.fail, "trial", "the container \(name) is left behind", advice: "\(runtime) --root \(Self.directory)/state delete --force \(name)")) }
        }
        do throws(PortcullisError) { if try Self.hasPolicy(socket) { try change(.deletePolicy, Array("\(Self.name)/\(Self.name)".utf8)) } } catch {
            left.append(Finding(.fail, "trial", "its policy is left behind: \(error)", advice: "portcullis policy delete \(Self.name)/\(Self.name)"))
        }
        // Without its state a container that is left could not be deleted any more.
        guard left.isEmpty else { return left }
        for part in ["bundle", "state", "spool"] where access("\(Self.directory)/\(part)", F_OK) == 0 {
            do { try FileManager.default.removeItem(atPath: "\(Self.directory)/\(part)") } catch {
                left.append(Finding(.fail, "trial", "\(Self.directory)/\(part) is left behind: \(error)", advice: "rm -r \(Self.directory)"))
            }
        }
        return left
    }

    /// What one has left that was killed; nil if there is nothing, or a trial runs right now.
    static func left(_ socket: String) -> String? {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        if descriptor >= 0, flock(descriptor, LOCK_SH | LOCK_NB) != 0 { return nil }
        if (try? hasPolicy(socket)) == true { return "its policy \(name)/\(name) in force" }
        return descriptor >= 0 ? "the directory \(directory)" : nil
    }

    // MARK: What it is made of

    private static let policy = """
        apiVersion: security.kubearmor.com/v1
        kind: KubeArmorPolicy
        metadata: {name: \(name), namespace: \(name)}
        spec:
          message: portcullis doctor tries whether a container is denied something
          selector: {matchLabels: {app: \(name)}}
          process: {matchPaths: [{path: /denied}]}
          action: Block

        """

    private func configuration(_ program: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("ociVersion", "1.0.2")
            writer.key("process")
            writer.object { writer in
                writer.member("cwd", "/")
                writer.key("user")
                writer.object { $0.member("uid", 0); $0.member("gid", 0) }
                writer.key("args")
                writer.array { $0.string("/\(program)"); $0.string("--version") }
                writer.member("noNewPrivileges", true)
            }
            writer.key("root")
            writer.object { $0.member("path", "rootfs"); $0.member("readonly", true) }
            writer.key("mounts")
            writer.array { writer in
                for (place, type) in [("/proc", "proc"), ("/dev", "tmpfs")] {
                    writer.object { $0.member("destination", place); $0.member("type", type); $0.member("source", type) }
                }
            }
            writer.key("annotations")
            writer.object { $0.member("app", Self.name); $0.member(ContainerLabels.namespaceAnnotation, Self.name) }
            writer.key("linux")
            writer.object { writer in
                writer.key("namespaces")
                writer.array { writer in for type in ["pid", "mount", "ipc", "uts", "network"] { writer.object { $0.member("type", type) } } }
            }
            writer.key("hooks")
            writer.object { writer in
                for stage in HookFile.stages {
                    writer.key(stage)
                    writer.array { writer in
                        writer.object { writer in
                            writer.member("path", hook)
                            writer.key("args")
                            writer.array { writer in
                                // It is to fail where it cannot be registered: unregistered it would prove nothing.
                                for word in [HookFile.program, "--socket", hookSocket, "--spool", Self.directory + "/spool", "--timeout", "10s", "--on-failure", "deny"] { writer.string(word) }
                            }
                            writer.member("timeout", HookFile.timeout)
                        }
                    }
                }
            }
        }
        return writer.bytes
    }
}
