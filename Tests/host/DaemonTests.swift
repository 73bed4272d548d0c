import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Starting, stopping, dying, and being told new settings.
    @Suite(.serialized) struct Daemon {
        @Test(arguments: ["tasks", "hash"])
        func aKilledDaemonsSuccessorKnowsEverything(_ labels: String) throws {
            let daemon = try RealDaemon(["--label-store", labels])
            let bundle = try Bundle(daemon)
            try bundle.setArguments(["/bin/sh", "-c", "while ! test -e /tmp/go; do /bin/sleep 0.05; done; /bin/env"])
            try bundle.runDetached("survivor")
            defer { try? bundle.delete("survivor") }
            let held = try HeldContainer(daemon, "held")
            let before = try daemon.containers().map { "\($0["id"] ?? "") \($0["slot"] ?? "") \($0["generation"] ?? "") \($0["pid"] ?? "")" }
            daemon.kill()
            try daemon.start()
            let after = try daemon.containers().map { "\($0["id"] ?? "") \($0["slot"] ?? "") \($0["generation"] ?? "") \($0["pid"] ?? "")" }
            #expect(before == after && before.count == 2)
            #expect(try daemon.counter("adopted") == 2)
            #expect((try daemon.status()["kernel"] as? [String: Any])?["adopted"] as? Bool == true)
            let events = try EventStream(daemon)
            try Data().write(to: URL(filePath: bundle.path + "/rootfs/tmp/go"))
            let seen = try events.wait("survivor") { $0.contains { $0.process?.executable == "/bin/env" } }
            #expect(seen.contains { $0.process?.executable == "/bin/env" } && !seen.contains { $0.process?.first == true })
            held.end()
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
        }

        /// Hooks that found nobody left their messages: the next daemon carries them out, but for those that are outdated.
        @Test func whatHooksLeftBehindIsCarriedOut() throws {
            let daemon = try RealDaemon()
            #expect(daemon.stop() == 0)
            let bundle = try Bundle(daemon) { config in
                var hook = Bundle.hook(daemon)
                hook["args"] = (hook["args"] as? [String] ?? []).map { $0 == "deny" ? "allow" : $0 }
                config["hooks"] = ["prestart": [hook], "poststop": [hook]]
            }
            try bundle.setArguments(["/bin/sh", "-c", "while ! test -e /tmp/go; do /bin/sleep 0.05; done; /bin/env"])
            try bundle.runDetached("early")
            defer { try? bundle.delete("early") }
            try bundle.setArguments(["/bin/true"])
            try bundle.run("gone")
            let spool = daemon.scratch.path + "/spool"
            #expect(Set(try FileManager.default.contentsOfDirectory(atPath: spool)) == ["early.frame", "gone.frame"])
            try daemon.scratch.write("spool/bad.frame", "hello")
            try daemon.start()
            #expect(try daemon.containers().map { $0["id"] as? String } == ["early"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: spool).isEmpty)
            #expect(try daemon.counter("spoolInvalid") == 1 && daemon.logText.contains("bad.frame: it is not one whole frame"))
            // It runs already: what it does is its own, and no exec of it is called the first.
            let events = try EventStream(daemon)
            try Data().write(to: URL(filePath: bundle.path + "/rootfs/tmp/go"))
            let seen = try events.wait("early") { $0.contains { $0.process?.executable == "/bin/env" } }
            #expect(seen.contains { $0.process?.executable == "/bin/env" } && !seen.contains { $0.process?.first == true })
        }

        /// A daemon that stands still for longer than a hook waits: the container is let through, and known as soon as the daemon moves.
        @Test func whatStartedWhileTheDaemonStoodStillIsKnownAfterwards() throws {
            let daemon = try RealDaemon()
            let events = try EventStream(daemon)
            let bundle = try Bundle(daemon) { config in
                var hook = Bundle.hook(daemon)
                hook["args"] = (hook["args"] as? [String] ?? []).map { $0 == "deny" ? "allow" : $0 == "10s" ? "100ms" : $0 }
                config["hooks"] = ["prestart": [hook]]
            }
            try bundle.setArguments(["/bin/sh", "-c", "while ! test -e /tmp/go; do /bin/sleep 0.05; done; /bin/env"])
            daemon.signal(SIGSTOP)
            try bundle.runDetached("late")
            defer { try? bundle.delete("late") }
            daemon.signal(SIGCONT)
            let known = try eventually { try daemon.containers().map { $0["id"] as? String } == ["late"] }
            #expect(known)
            try Data().write(to: URL(filePath: bundle.path + "/rootfs/tmp/go"))
            let seen = try events.wait("late") { $0.contains { $0.process?.executable == "/bin/env" } }
            #expect(seen.contains { $0.process?.executable == "/bin/env" })
        }

        /// Events that the ring has no room for are counted, each of them.
        @Test func lostEventsAreCounted() throws {
            let daemon = try RealDaemon(["--event-buffer-kib", "64", "--visibility", "process", "--failures", "off"])
            let held = try HeldContainer(daemon, "busy")
            defer { held.end() }
            let (sent, lost) = (try daemon.counter("eventsSent"), try daemon.counter("eventsLost"))
            daemon.signal(SIGSTOP)
            let script = "i=0; while [ $i -lt 1000 ]; do (exit 0); i=$((i+1)); done"
            _ = try Command.run("/usr/bin/nsenter", ["-t", "\(held.pid)", "-m", "-p", "/bin/sh", "-c", script])
            daemon.signal(SIGCONT)
            let (sentAfter, lostAfter) = (try daemon.counter("eventsSent"), try daemon.counter("eventsLost"))
            #expect(lostAfter > lost)
            // A thousand exits, and the shell's own exec and exit.
            #expect(sentAfter - sent + lostAfter - lost == 1_002)
        }

        /// What ends while no daemon runs is gone when the next one starts.
        @Test func endsDuringAnAbsenceAreNoticed() throws {
            let daemon = try RealDaemon()
            let held = try (0..<10).map { try HeldContainer(daemon, "c\($0)") }
            daemon.kill()
            for container in held.prefix(4) { container.end() }
            try daemon.start()
            #expect(try daemon.fill() == [6, 6])
            #expect(try daemon.counter("discarded") == 4)
            held.suffix(6).forEach { $0.end() }
        }

        /// Killed in the middle of registrations, again and again: whatever was answered "registered" is there afterwards.
        @Test func killedWhileRegistering() throws {
            let daemon = try RealDaemon()
            var living: [String: Int32] = [:]
            for round in 0..<Scale.kills {
                let acknowledged = Locked<[String: Int32]>([:])
                let started = DispatchSemaphore(value: 0)
                let finished = DispatchSemaphore(value: 0)
                let (socket, prefix) = (daemon.hookSocket, "k\(round)")
                let pids = (0..<40).map { _ in pct_hold(pct_new_mount_and_pid()) }
                let messages = try pids.enumerated().map { try daemon.message("\(prefix)-\($0.offset)", $0.element) }
                Thread.detachNewThread {
                    for (index, message) in messages.enumerated() {
                        if index == round % 8 { started.signal() }
                        guard let answer = Connection(socket)?.ask(message), answer.code == .registered else { continue }
                        acknowledged.change { $0[String(decoding: message.containerID, as: UTF8.self)] = pids[index] }
                    }
                    finished.signal()
                }
                started.wait()
                daemon.kill()
                finished.wait()
                try daemon.start()
                let known = Set(try daemon.containers().compactMap { $0["id"] as? String })
                for (id, pid) in acknowledged.value {
                    #expect(known.contains(id), "\(id) was acknowledged and is gone")
                    living[id] = pid
                }
                let count = try daemon.fill()
                #expect(count[0] == count[1])
                // What was half done is finished or undone: every one of them can be registered now.
                for (index, pid) in pids.enumerated() {
                    #expect(try daemon.add("\(prefix)-\(index)", pid).code == .registered)
                    living["\(prefix)-\(index)"] = pid
                }
                if round % 3 == 2 {
                    living.values.forEach { pct_end($0) }
                    living = [:]
                    let empty = try eventually { try daemon.fill() == [0, 0] }
                    #expect(empty)
                }
            }
            living.values.forEach { pct_end($0) }
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
        }

        @Test func aStoppedDaemonLeavesTheKernelSideAndNoSockets() throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "c")
            defer { held.end() }
            #expect(daemon.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: daemon.hookSocket) && !FileManager.default.fileExists(atPath: daemon.controlSocket))
            #expect(FileManager.default.fileExists(atPath: daemon.pins + "/v1/identities"))
            try daemon.start()
            #expect(try daemon.fill() == [1, 1])
        }

        @Test func onlyOneAtATime() throws {
            let daemon = try RealDaemon()
            let second = try Command.run(Tree.daemon, daemon.arguments)
            #expect(second.status == 1 && second.error.contains("another portcullisd serves"), "\(second.error)")
            #expect(try daemon.remove("x").code == .removed)
        }

        @Test func directoriesThatAreNotOursAreLeftAlone() throws {
            let scratch = try Scratch()
            let run = scratch.path + "/run"
            try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
            chmod(run, 0o755)
            let arguments = ["--hook-socket", run + "/h.sock", "--control-socket", scratch.path + "/c/c.sock", "--bpf-directory", "/sys/fs/bpf/portcullis-test-none"]
            let open = try Command.run(Tree.daemon, arguments)
            #expect(open.status == 1 && open.error.contains("\(run) is not a directory of ours alone"), "\(open.error)")
            #expect(try FileManager.default.attributesOfItem(atPath: run)[.posixPermissions] as? Int == 0o755)
            chmod(run, 0o700)
            chown(run, 1000, 1000)
            #expect(try Command.run(Tree.daemon, arguments).error.contains("is not a directory of ours alone"))
        }

        @Test func pinsMustBeOnABPFFileSystem() throws {
            let scratch = try Scratch()
            let outcome = try Command.run(Tree.daemon, [
                "--hook-socket", scratch.path + "/r/h.sock", "--control-socket", scratch.path + "/r/c.sock", "--bpf-directory", scratch.path + "/pins/v1",
            ])
            #expect(outcome.status == 1 && outcome.error.contains("mount -t bpf bpf"), "\(outcome.error)")
        }

        @Test func aMissingBPFFileSystemIsMounted() throws {
            let scratch = try Scratch()
            // In a mount namespace of its own, where /sys/fs/bpf is bare; the daemon is stopped as soon as it is ready.
            let script = """
                umount -l /sys/fs/bpf 2>/dev/null; umount -l /sys/fs/bpf 2>/dev/null
                \(Tree.daemon) --hook-socket \(scratch.path)/r/h.sock --control-socket \(scratch.path)/r/c.sock --spool \(scratch.path)/s --bpf-directory /sys/fs/bpf/x/v1 &
                until \(Tree.cli) status --socket \(scratch.path)/r/c.sock >/dev/null 2>&1; do kill -0 $! || exit 9; done
                test -e /sys/fs/bpf/x/v1/identities; found=$?
                kill -KILL $!; wait $! 2>/dev/null; exit $found
                """
            let outcome = try Command.run("/usr/bin/unshare", ["-m", "/bin/sh", "-c", script], timeout: 30)
            #expect(outcome.status == 0, "\(outcome.error)")
        }

        @Test func settingsAreReadAgain() throws {
            let daemon = try RealDaemon()
            func setting(_ name: String) throws -> String {
                let settings = try #require(try daemon.status()["configuration"] as? [String: String])
                return settings[name] ?? ""
            }
            // A changed file is noticed by itself.
            try daemon.scratch.write("etc/config.yaml", "log-level: debug\ncapacity: 99\n")
            let noticed = try eventually { try setting("log-level") == "debug" }
            #expect(noticed)
            #expect(try setting("capacity") == "4096")
            #expect(daemon.logText.contains("needs-restart"))
            // A bad one changes nothing and is named; a signal says when it was read.
            try daemon.scratch.write("etc/config.yaml", "log-level: loud\n")
            daemon.signal(SIGHUP)
            let named = try eventually { try setting("problem").contains("config.yaml:1:12: log-level: loud is not") }
            #expect(named)
            #expect(try setting("log-level") == "debug")
            try daemon.scratch.write("etc/config.yaml", "host-events: true\n")
            let recovered = try eventually { try setting("problem").isEmpty && setting("host-events") == "true" }
            #expect(recovered)
            let events = try EventStream(daemon)
            _ = try Command.run("/bin/true")
            let host = try eventually { try events.all().contains { $0.container?.source == "host" && $0.process?.executable == "/bin/true" } }
            #expect(host)
        }

        @Test func aWrongConfigurationStopsTheStart() throws {
            let scratch = try Scratch()
            let file = try scratch.write("c.yaml", "log-level: info\nbogus: 1\n")
            let outcome = try Command.run(Tree.daemon, ["--config", file])
            #expect(outcome.status == 2 && outcome.error.contains("c.yaml:2:1: unknown setting bogus"), "\(outcome.error)")
            #expect(try Command.run(Tree.daemon, ["--config", "/nonexistent.yaml"]).error.contains("reading /nonexistent.yaml: No such file"))
        }

        @Test func theCommandLineIsUsable() throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "alpha-1")
            let other = try HeldContainer(daemon, "beta-1")
            defer {
                held.end()
                other.end()
            }
            let table = try daemon.cli("containers").output
            #expect(table.hasPrefix("ID ") && table.contains("alpha-1") && table.contains("beta-1") && !table.contains("\u{1b}"))
            #expect(try daemon.cli("containers", "alp").output.contains("beta") == false)
            let none = try daemon.cli("containers", "zzz")
            #expect(none.status == 2 && none.error.contains("no container's id starts with zzz"))
            #expect(try daemon.cli("containers", "-o", "wide").output.contains("MNT-NS"))
            #expect(try daemon.cli("status").output.contains("containers"))
            let away = try Command.run(Tree.cli, ["status", "--socket", "/nonexistent/s"])
            #expect(away.status == 1 && away.error.contains("is portcullisd running?"))
            #expect(try Command.run(Tree.cli, ["bogus"]).status == 64)
            for shell in ["bash", "zsh", "fish"] {
                #expect(try Command.run(Tree.cli, ["--generate-completion-script", shell]).output.contains("containers"))
            }
        }
    }
}
