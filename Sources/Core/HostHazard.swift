/// What a policy of hosts would lock out that people need to get back in: the init, the shells, the daemon itself, logins over the network.
///
/// The policy is compiled alone and asked like the kernel would ask, so that what is found is what would happen.
public struct HostHazard: Sendable {
    /// Programs without which nobody gets in any more, and what every program needs to start.
    public struct Essentials: Sendable {
        public var programs: [String]
        public var libraries: [String]
        /// What logins write to, and this product's own files.
        public var written: [String]

        public init(programs: [String], libraries: [String], written: [String] = []) {
            self.programs = programs
            self.libraries = libraries
            self.written = written
        }

        /// Where they usually are; for a check away from the machine. With their links, since rules compare the names that links lead to.
        public static let usual = Essentials(
            programs: [
                "/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/bin/sh", "/usr/bin/sh", "/bin/dash", "/usr/bin/dash",
                "/bin/bash", "/usr/bin/bash", "/bin/login", "/usr/bin/login", "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sshd-auth", "/usr/sbin/agetty",
                "/usr/lib/systemd/systemd-executor", "/usr/bin/su", "/usr/bin/sudo", "/usr/sbin/modprobe", "/usr/bin/kmod",
                "/usr/libexec/portcullis/portcullis-hook", "/usr/local/libexec/portcullis/portcullis-hook",
                "/usr/sbin/portcullisd", "/usr/bin/portcullis", "/usr/local/sbin/portcullisd", "/usr/local/bin/portcullis",
            ],
            libraries: [
                "/lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/lib/ld-linux-aarch64.so.1", "/usr/lib/ld-linux-aarch64.so.1", "/usr/lib/aarch64-linux-gnu/libc.so.6", "/etc/ld.so.cache", "/etc/passwd", "/etc/group",
                "/etc/shadow", "/etc/nsswitch.conf", "/etc/pam.d/login", "/etc/pam.d/sshd", "/etc/pam.d/common-auth", "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
            ],
            written: ["/dev/null", "/dev/tty", "/dev/ptmx", "/dev/pts/0", Configuration.defaultFile, "/etc/portcullis/policies/any.yaml"])
    }

    public var essentials: Essentials
    /// Of the host.
    public var posture: Postures

    public init(_ essentials: Essentials, posture: Postures) {
        self.essentials = essentials
        self.posture = posture
    }

    /// What the policy would lock out, one line each, at most five; empty if it is harmless, for no host or forced.
    public func findings(_ policy: Policy) -> [String] {
        guard policy.isForHosts, !policy.isForced,
            let compiled = try? PolicySetCompiler.compile(PolicySetInput(policies: [policy], posture: posture)),
            let image = PolicySetImage(cells: compiled.cells)
        else { return [] }
        // Who acts: any program that no rule names, or one of these; as the file's owner and as another user, with a terminal and without.
        let actors = [(name: "any program", source: 0)] + essentials.programs.map { (name: $0, source: image.sourceClass(path: $0.utf8)) }
        var found: [String] = []
        func ask(_ section: PolicyRule.Section, _ what: [UInt8], write: Bool = false, _ text: (String) -> String) {
            for (actor, mode) in actors.flatMap({ actor in (0..<4).map { (actor, $0) } }) where found.count < 5 {
                let decision = image.decision(
                    automaton: section, path: what, source: actor.source, owner: mode & 1 == 0, write: write, terminal: mode & 2 == 0)
                guard decision.action == .block else { continue }
                let cause = decision.rule.flatMap { compiled.rule($0) }.map { "\($0.rule.field), line \($0.rule.line)" } ?? "what no rule allows is blocked"
                found.append(text(actor.name) + " (\(cause))")
                return
            }
        }
        for program in essentials.programs { ask(.process, Array(program.utf8)) { "\($0) could not run \(program)" } }
        for file in essentials.programs + essentials.libraries { ask(.file, Array(file.utf8)) { "\($0) could not open \(file)" } }
        for file in essentials.written { ask(.file, Array(file.utf8), write: true) { "\($0) could not write to \(file)" } }
        for (key, name) in NetworkProtocol.essential { ask(.network, key) { "\($0) could not use \(name) sockets" } }
        for capability in [Capability.setuid, .setgid, .sys_admin, .dac_override, .sys_chroot, .chown, .fowner, .kill, .audit_write, .bpf] {
            ask(.capabilities, [capability.key]) { "\($0) could not use \(capability.name)" }
        }
        return found
    }

    /// Why a policy is refused as long as nobody says that it is meant; nil if it is harmless.
    public func problem(of policy: Policy) -> PolicyProblem? {
        let found = findings(policy)
        guard !found.isEmpty else { return nil }
        return PolicyProblem(
            file: policy.origin.file, line: policy.origin.line, column: 1, field: "spec",
            problem: "\(policy.identity) would lock people out: \(found.joined(separator: "; ")). If that is meant, apply it with --force, "
                + "or give it the annotation \(PolicyParser.forceAnnotation): \"true\"")
    }
}
