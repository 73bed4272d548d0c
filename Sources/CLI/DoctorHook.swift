import Core
import Glibc

/// The hook's program and its settings.
extension Doctor {
    mutating func examineHook() {
        if let problem = Self.programProblem(hook) {
            return report.fail("hook", "\(hook) \(problem)", "install it anew (docs/install.md): a runtime that does not find it starts containers without it, or none at all")
        }
        let output: [UInt8], exit: Int32
        do throws(PortcullisError) {
            let head = Array((try PlacedFile.read(hook, limit: 64 << 20) ?? []).prefix(ELFProgram.headBytes))
            if let problem = ELFProgram.problem(head: head, machine: HookPlace.machine) { return report.fail("hook", "\(hook) \(problem)", "install the one for this machine") }
            (output, exit) = try ChildOutput.runToEnd(hook, ["--version"], patience: Self.patience)
        } catch { return report.fail("hook", error.description, "install it anew: docs/install.md") }
        let words = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard exit == 0, words.count >= 2, words[0] == HookFile.program else {
            return report.fail("hook", "\(hook) does not run (exit status \(exit))", "install it anew: docs/install.md")
        }
        guard words[1] == Self.version else {
            return report.warn("hook", "\(hook) is \(words[1]), and this program \(Self.version)", "install both from one version; portcullis install hooks copies the hook that is beside it")
        }
        report.ok("hook", "\(hook) \(words[1])")
    }

    mutating func examineHookSettings() {
        let path = places.hookConfig, advice = "the hook leaves the whole file out, and starts containers unregistered where it should not: docs/hook.md"
        do throws(PortcullisError) {
            guard let bytes = try PlacedFile.read(path, limit: Self.fileLimit) else { return report.ok("hook-settings", "\(path) is not there: the defaults count") }
            if let problem = Self.ownerProblem(path) { return report.fail("hook-settings", "\(path) \(problem)", "chown root \(path); chmod go-w \(path)") }
            if let problem = HookSettings.problem(in: bytes) { return report.fail("hook-settings", "\(path): \(problem)", advice) }
            report.ok("hook-settings", path)
        } catch { report.fail("hook-settings", error.description, advice) }
    }

    /// Why a program cannot be trusted to run for every container, as root; nil if it can.
    static func programProblem(_ path: String) -> String? {
        var info = stat()
        guard stat(path, &info) == 0 else { return errno == ENOENT ? "is not there" : "cannot be looked at: \(PortcullisError(.system, "stat", errno: errno))" }
        guard info.st_mode & S_IFMT == S_IFREG else { return "is not a regular file" }
        guard info.st_mode & 0o111 == 0o111 else { return "cannot be executed by everybody" }
        return ownerProblem(path)
    }

    static func ownerProblem(_ path: String) -> String? {
        var info = stat()
        guard stat(path, &info) == 0 else { return "cannot be looked at: \(PortcullisError(.system, "stat", errno: errno))" }
        if info.st_uid != 0 { return "is not root's" }
        return info.st_mode & 0o022 == 0 ? nil : "may be written by others than root"
    }
}
