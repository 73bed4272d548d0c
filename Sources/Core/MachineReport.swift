/// What this machine can enforce and report, line by line, and what to do where it cannot.
public struct MachineReport: Sendable {
    public enum State: String, Sendable {
        case ok
        /// Enforcement works without it, less well; or less can be seen.
        case reduced
        /// Nothing can be enforced without it.
        case missing
    }

    public struct Finding: Equatable, Sendable {
        /// A word for scripts, which does not change.
        public let check: String
        public let state: State
        public let detail: String
        /// What to do; empty where nothing needs to be done.
        public let advice: String

        /// One JSON object.
        public func json() -> [UInt8] {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("check", check)
                writer.member("state", state.rawValue)
                writer.member("detail", detail)
                writer.member("advice", advice)
            }
            return writer.bytes
        }
    }

    public private(set) var findings: [Finding] = []

    public init(_ facts: MachineFacts) {
        add("kernel", .ok, facts.release)
        add(
            "btf", facts.hasBTF ? .ok : .missing, facts.hasBTF ? "/sys/kernel/btf/vmlinux" : "no /sys/kernel/btf/vmlinux",
            "run a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's and Ubuntu's are; portcullisd does not start without")
        // The daemon mounts it by itself.
        add(
            "bpffs", facts.hasBPFFileSystem ? .ok : .reduced, facts.hasBPFFileSystem ? "/sys/fs/bpf" : "not mounted at /sys/fs/bpf",
            "mount -t bpf bpf /sys/fs/bpf (portcullisd tries that by itself)")
        add(
            "securityfs", facts.hasSecurityFileSystem ? .ok : .missing,
            facts.hasSecurityFileSystem ? "/sys/kernel/security" : "not mounted at /sys/kernel/security",
            "mount -t securityfs securityfs /sys/kernel/security; if that fails the kernel has no security modules (CONFIG_SECURITYFS)")
        addModules(facts)
        addHooks(facts)
        add(
            "task-storage", facts.hasTaskStorage ? .ok : .missing, facts.hasTaskStorage ? "labels are kept with the tasks" : "none",
            "run a kernel from 5.11 on")
        addLockdown(facts.lockdown)
        if facts.hasBTF {
            add(
                "programs", facts.refusal == nil ? .ok : .missing, facts.refusal ?? "the kernel takes them",
                "if nothing above explains it, this kernel is built or locked down so that it refuses them, as some providers' are: "
                    + "run another")
        }
        let symbols = facts.unknownSymbols
        add(
            "kallsyms", symbols.isEmpty ? .ok : .reduced,
            symbols.isEmpty ? "rename_lock and mount_lock are known" : "no address of \(symbols.joined(separator: " and "))",
            "CONFIG_KALLSYMS_ALL=y and kernel.kptr_restrict below 2: without, a rename during a verdict is not noticed")
        add("cgroup", facts.cgroupVersion == 0 ? .reduced : .ok, facts.cgroupVersion == 0 ? "not mounted" : "version \(facts.cgroupVersion)",
            "mount -t cgroup2 cgroup2 /sys/fs/cgroup; container runtimes need it, verdicts do not")
        if let telemetry = facts.telemetry { addTelemetry(telemetry) }
        let missing = findings.filter { $0.state == .missing }.map(\.check)
        let verdict = missing.isEmpty ? "possible" : "not possible, only observation: \(missing.joined(separator: ", "))"
        add("enforcement", missing.isEmpty ? .ok : .missing, verdict)
    }

    public var canEnforce: Bool { !findings.contains { $0.state == .missing } }

    private mutating func add(_ check: String, _ state: State, _ detail: String, _ advice: String = "") {
        findings.append(Finding(check: check, state: state, detail: detail, advice: state == .ok ? "" : advice))
    }

    private mutating func addModules(_ facts: MachineFacts) {
        guard let modules = facts.securityModules else {
            return add("lsm", .missing, "the list of security modules cannot be read", "make /sys/kernel/security/lsm readable, then probe again")
        }
        let list = modules.joined(separator: ",")
        guard !modules.contains("bpf") else { return add("lsm", .ok, list) }
        let order = "lsm=\(list.isEmpty ? "" : list + ",")bpf"
        let old = facts.orderOnCommandLine.map { "in place of \($0) " } ?? ""
        add(
            "lsm", .missing, "bpf is not among \(list)",
            "put \(order) \(old)on the kernel's command line: in /etc/default/grub into GRUB_CMDLINE_LINUX_DEFAULT, "
                + "then update-grub and reboot")
    }

    private mutating func addHooks(_ facts: MachineFacts) {
        guard facts.hooks.contains(where: \.isPresent) else {
            return add("hooks", .missing, "this kernel has no LSM hooks for programs", "run a kernel built with CONFIG_BPF_LSM=y")
        }
        for hook in facts.hooks {
            let state: State = hook.isPresent ? .ok : hook.isEssential ? .missing : .reduced
            let advice = hook.isEssential ? "run a newer kernel" : "a newer kernel has it: what it would judge is not judged here"
            add("hook \(hook.name)", state, hook.isPresent ? "present" : "this kernel does not have it", advice)
        }
    }

    private mutating func addLockdown(_ mode: String?) {
        guard mode == "confidentiality" else { return add("lockdown", .ok, mode ?? "not built in") }
        add(
            "lockdown", .missing, "confidentiality: programs may not read kernel memory",
            "start with lockdown=integrity, or without lockdown= on the kernel's command line")
    }

    /// What of each class of telemetry there is to be seen.
    private mutating func addTelemetry(_ telemetry: MachineFacts.Telemetry) {
        let advice = "nothing that is enforced depends on it; another kernel may show it (docs/telemetry.md)"
        let calls = telemetry.callRefusal
        add("see process", calls == nil ? .ok : .reduced, calls.map { "executions and ends of processes, no calls: \($0)" } ?? "executions, ends of processes, calls as setuid", advice)
        for name in ["file", "network"] {
            let refusal = calls.map { "nothing: \($0)" } ?? telemetry.requestRefusal.map { "system calls, and nothing that goes by io_uring: \($0)" }
            add("see \(name)", refusal == nil ? .ok : .reduced, refusal ?? "system calls, and what goes by io_uring", advice)
        }
        let capabilities = telemetry.capabilityRefusal
        add("see capabilities", capabilities == nil ? .ok : .reduced, capabilities.map { "nothing: \($0)" } ?? "at \(telemetry.capabilityPlace)", advice)
        add("see dns", calls == nil ? .ok : .reduced, calls.map { "by rules only: \($0)" } ?? "messages to port 53, by system calls", advice)
    }
}
