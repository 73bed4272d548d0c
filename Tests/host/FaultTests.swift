import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// The worst minutes: no room, no descriptor, no answer, too many at once.
    @Suite(.serialized) struct Faults {
        /// A small file system of its own at a place of the daemon's, as good as full.
        private struct FullDisk: ~Copyable {
            let path: String

            init(_ path: String) throws {
                self.path = path
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                try #require(mount("tmpfs", path, "tmpfs", 0, "size=64k,mode=700") == 0, "\(errno)")
                let file = open(path + "/filler", O_WRONLY | O_CREAT, 0o600)
                let block = [UInt8](repeating: 1, count: 4096)
                while write(file, block, block.count) > 0 {}
                close(file)
            }

            deinit { umount2(path, Int32(MNT_DETACH)) }
        }

        private func hook(_ daemon: RealDaemon, _ id: String, _ pid: Int32, _ arguments: [String] = []) throws -> Outcome {
            let bundle = daemon.scratch.path + "/bundle"
            try daemon.scratch.write("bundle/config.json", #"{"ociVersion":"1.0.2","process":{"args":["/bin/sh"]},"root":{"path":"/"}}"#)
            let state = #"{"ociVersion":"1.0.2","id":"\#(id)","status":"creating","pid":\#(pid),"bundle":"\#(bundle)"}"#
            return try Command.run(Tree.embeddedHook, ["--socket", daemon.hookSocket, "--spool", daemon.scratch.path + "/spool"] + arguments, input: Data(state.utf8))
        }

        @Test func theSpoolsDiskIsFull() throws {
            let daemon = try RealDaemon()
            daemon.kill()
            let disk = try FullDisk(daemon.scratch.path + "/spool")
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            for (policy, status) in [("allow", Int32(0)), ("deny", 1)] {
                let outcome = try hook(daemon, "full", pid, ["--on-failure", policy])
                #expect(outcome.status == status && outcome.error.contains("; not kept in") && outcome.error.contains("no space left"), "\(outcome.error)")
                #expect(outcome.error.split(separator: "\n").count == 1)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["filler"], "half a message is none")
        }

        @Test func thePolicyStoresDiskIsFull() throws {
            let daemon = try RealDaemon()
            let disk = try FullDisk(daemon.scratch.path + "/applied")
            let text = "apiVersion: security.kubearmor.com/v1\nkind: KubeArmorPolicy\nmetadata: {name: p}\nspec:\n  selector: {matchLabels: {a: b}}\n  process: {matchPaths: [{path: /bin/x}]}\n  action: Block\n"
            let file = try daemon.scratch.write("p.yaml", text)
            let outcome = try daemon.cli("policy", "apply", file)
            #expect(outcome.status == 1 && outcome.error.contains("cannot be stored") && outcome.error.contains("No space left"), "\(outcome.error)")
            #expect(try daemon.cli("policy", "list", "--json").output.isEmpty, "what cannot be kept is not in force")
            _ = disk.path // it lives until here
        }

        @Test func aStoppedDaemonLosesNothing() throws {
            let daemon = try RealDaemon()
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            daemon.signal(SIGSTOP)
            let outcome = try hook(daemon, "late", pid, ["--timeout", "300ms"])
            #expect(outcome.status == 0 && outcome.error.contains("no answer in time; kept in"), "\(outcome.error)")
            daemon.signal(SIGCONT)
            // It reads the frame that the hook no longer waited for, and the spooled one: one container.
            #expect(try eventually { try daemon.counter("spoolAccepted") == 1 })
            #expect(try daemon.containers().map { $0["id"] as? String } == ["late"])
            #expect(try daemon.counter("added") == 1 && daemon.counter("hookLetThrough") == 1)
        }

        @Test func peersThatSayNothingAreInNobodysWay() throws {
            let daemon = try RealDaemon()
            let silent = try (0..<500).map { _ in try daemon.connect() }
            let held = try HeldContainer(daemon, "among-the-silent")
            defer { held.end() }
            #expect(try daemon.counter("hookConnections") >= 501)
            // One that begins a frame and never ends it, too.
            silent[0].send([0xFF, 0xFF, 0x0F])
            #expect(try daemon.add("again", held.pid).code == .sharedNamespaces)
        }

        @Test func aThousandHooksAtOnceAreAllAnswered() throws {
            let daemon = try RealDaemon()
            let processes = (0..<8).map { _ in pct_hold(pct_new_mount_and_pid()) }
            defer { for pid in processes { pct_end(pid) } }
            // All frames are written before the first answer is read.
            let connections = try (0..<1000).map { number in
                let connection = try daemon.connect()
                connection.send(try daemon.message("c\(number % 8)", processes[number % 8]).encoded())
                return connection
            }
            for connection in connections {
                #expect(connection.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }?.code == .registered)
            }
            #expect(try daemon.counter("added") == 8 && daemon.counter("repeated") == 992)
        }

        @Test func theTableIsFullAndSaysSo() throws {
            let daemon = try RealDaemon(["--capacity", "16"])
            let held = try (0..<16).map { try HeldContainer(daemon, "c\($0)") }
            defer { for container in held { container.end() } }
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            let outcome = try hook(daemon, "one-more", pid, ["--on-failure", "deny"])
            #expect(outcome.status == 1 && outcome.error.contains("all 16 slots are taken"), "\(outcome.error)")
            #expect(try eventually { try daemon.counter("hookDenied") == 1 }, "the hook tells how it ended")
            #expect(try daemon.counter("refusedFull") == 1)
        }

        @Test func aRegistrationIsOneHoweverOftenItComes() throws {
            let daemon = try RealDaemon()
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            #expect(try daemon.add("once", pid).code == .registered)
            // Held, timed out and spooled as well.
            try daemon.scratch.write("spool/x", "")
            let frame = try daemon.message("once", pid).encoded()
            let file = try daemon.scratch.write("new.frame", Data(frame))
            chmod(file, 0o600)
            rename(file, daemon.scratch.path + "/spool/once.frame")
            #expect(try eventually { try daemon.counter("spoolAccepted") == 1 })
            #expect(try daemon.containers().count == 1 && daemon.counter("repeated") == 1)
        }

        /// The guard keeps others from it; where there is none, it is said.
        @Test func removedPinsAreNoticed() throws {
            let daemon = try RealDaemon()
            #expect(try pinsGone(daemon).isEmpty)
            unlink(daemon.pins + "/v1/link_pc_exec")
            #expect(try eventually { daemon.logText.contains("somebody has removed pins") })
            #expect(try pinsGone(daemon) == ["pc_exec"])
            #expect(try daemon.cli("status").output.contains("PINS GONE"))
            // The next daemon attaches what is missing.
            daemon.kill()
            try daemon.start()
            #expect(try pinsGone(daemon).isEmpty)
        }

        private func pinsGone(_ daemon: RealDaemon) throws -> [String] {
            try #require(try daemon.status()["kernel"] as? [String: Any])["missingPins"] as? [String] ?? ["no list"]
        }

        /// Its file system is unmounted: the daemon keeps everything in force for as long as it lives, and says what is coming; the next one begins anew.
        @Test func theFileSystemOfThePinsIsUnmounted() throws {
            let scratch = try Scratch()
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            let bundle = scratch.path + "/bundle"
            try scratch.write("bundle/config.json", #"{"ociVersion":"1.0.2","process":{"args":["/bin/sh"]},"root":{"path":"/"}}"#)
            let state = try scratch.write("state", #"{"ociVersion":"1.0.2","id":"unmounted","status":"creating","pid":\#(pid),"bundle":"\#(bundle)"}"#)
            let script = """
                set -e
                mkdir -p \(scratch.path)/fs; mount -t bpf bpf \(scratch.path)/fs
                daemon() { \(Tree.daemon) --hook-socket \(scratch.path)/r/h.sock --control-socket \(scratch.path)/r/c.sock --spool \(scratch.path)/s --bpf-directory \(scratch.path)/fs/x/v1 --replay off 2>>\(scratch.path)/log & }
                status() { \(Tree.cli) status --json --socket \(scratch.path)/r/c.sock; }
                ready() { until status >/dev/null 2>&1; do kill -0 $!; done; }
                hook() { \(Tree.embeddedHook) --socket \(scratch.path)/r/h.sock --spool \(scratch.path)/s --on-failure deny <\(state); }
                daemon; ready; hook
                # It holds its directory: only a lazy unmount works.
                ! umount \(scratch.path)/fs 2>/dev/null
                umount -l \(scratch.path)/fs
                status >\(scratch.path)/during; hook
                kill -KILL $!; wait $! 2>/dev/null || :
                mount -t bpf bpf \(scratch.path)/fs
                daemon; ready; status >\(scratch.path)/after; hook
                \(Tree.cli) containers --json --socket \(scratch.path)/r/c.sock
                kill -KILL $!
                """
            let outcome = try Command.run("/usr/bin/unshare", ["-m", "/bin/bash", "-c", script], timeout: 60)
            #expect(outcome.status == 0, "\(outcome.error)")
            func status(_ name: String) throws -> [String: Any] {
                try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: scratch.path + "/" + name))) as? [String: Any])
            }
            let during = try status("during"), after = try status("after")
            let missing = (during["kernel"] as? [String: Any])?["missingPins"] as? [String], programs = (during["kernel"] as? [String: Any])?["programs"] as? [String]
            #expect(missing?.isEmpty == false && missing == programs)
            #expect((during["maps"] as? [String: Any])?["containers"] as? Int == 1, "what is known stays known")
            #expect(((after["kernel"] as? [String: Any])?["missingPins"] as? [String]) == [] && (after["maps"] as? [String: Any])?["containers"] as? Int == 0)
            #expect(outcome.output.contains("unmounted"))
        }

        // MARK: What the daemon has given up

        @Test func servesWithFewCapabilitiesAndCalls() throws {
            let daemon = try RealDaemon()
            let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
            func field(_ name: String) -> String? {
                status.split(separator: "\n").first { $0.hasPrefix(name + ":") }.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
            }
            #expect(field("Seccomp") == "2" && field("NoNewPrivs") == "1")
            // BPF, PERFMON, SYSLOG, SYS_PTRACE, DAC_READ_SEARCH.
            #expect(field("CapEff") == "000000c400080004" && field("CapPrm") == "000000c400080004")
            #expect(try Command.run(Tree.daemon, ["--check-sandbox"]).status == 0)
            for file in ["run/hook.sock", "run/control.sock", "run/hook.sock.lock", "run/control.sock.lock"] {
                let mode = try FileManager.default.attributesOfItem(atPath: daemon.scratch.path + "/" + file)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(file)")
            }
        }

        @Test func withoutTheSandboxItKeepsEverything() throws {
            let daemon = try RealDaemon(["--sandbox", "false"])
            let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
            #expect(status.contains("NoNewPrivs:\t0"))
        }
    }
}
