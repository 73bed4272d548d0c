import Client
import Core
import Glibc

/// The daemon, and what only it knows.
extension Doctor {
    /// Milliseconds that the daemon, or a program, may take to answer.
    static let patience: Int32 = 10_000

    mutating func examineDaemon() {
        do throws(PortcullisError) {
            var conversation = try ControlConnection(socket, .status, patience: Int(Self.patience))
            defer { conversation.close() }
            guard let item = try conversation.next(), let status = try? JSONDocument(item) else { throw PortcullisError(.peer, "the daemon at \(socket) sent no status") }
            self.status = status
            report.addStatus(status, version: Self.version)
        } catch {
            report.fail("daemon", error.description, "systemctl enable --now portcullisd; journalctl -u portcullisd says why it has ended")
            examineMachine()
        }
    }

    /// Without a daemon: whether there could be enforcement at all.
    private mutating func examineMachine() {
        guard let program = InstalledDaemon.path() else {
            return report.fail("program", "no portcullisd beside this program nor in ../sbin", "install it: docs/install.md")
        }
        let lines: [[UInt8]]
        do throws(PortcullisError) { lines = try ChildOutput.runToEnd(program, ["--probe"], patience: Self.patience).output.split(separator: UInt8(ascii: "\n")).map(Array.init) } catch {
            return report.fail("program", error.description, "install it anew: docs/install.md")
        }
        guard let last = lines.last, let verdict = try? JSONDocument(last), let detail = verdict["detail"].text else {
            return report.skip("enforcement", "\(program) may not look (are you root?)")
        }
        if verdict["state"].text == "ok" {
            report.ok("enforcement", "can be had: \(detail)")
        } else {
            report.warn("enforcement", detail, "portcullis probe says what to do")
        }
    }

    /// Messages wait there when no daemon has taken them; it takes all at its start, and those that come while it runs.
    mutating func examineSpool() {
        let named = status.flatMap { $0["configuration"]["spool"].text }
        let directory = places.spool ?? named ?? "/run/portcullis/spool"
        guard let listing = opendir(directory) else {
            // The first hook that needs it makes it.
            return errno == ENOENT ? report.ok("spool", "\(directory) is not there: nothing waits") : report.skip("spool", "\(PortcullisError(.system, "reading \(directory)", errno: errno))")
        }
        defer { closedir(listing) }
        var count = 0
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".frame"), !name.hasPrefix(".") { count += 1 }
        }
        if count == 0 { return report.ok("spool", "\(directory): nothing waits") }
        report.warn("spool", "\(directory): \(count) messages wait, of containers that no daemon has registered", "docs/hook.md, The spool: a daemon takes them when it starts; where one runs, its log says why not")
    }
}
