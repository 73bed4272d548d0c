import Core
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `portcullis doctor` on a machine made of files: all well at first, then one thing broken after the other.
    @Suite(.serialized) struct DoctorCommand {
        /// What doctor is to find right.
        final class Machine {
            let daemon: RealDaemon
            private let plugin: FakeDaemon
            var scratch: Scratch { daemon.scratch }
            var hook: String { path("libexec/portcullis-hook") }
            var hooksFile: String { path("hooks.d/portcullis.json") }
            var nri: String { path("nri-status.sock") }

            func path(_ name: String) -> String { scratch.path + "/" + name }

            init() throws {
                daemon = try RealDaemon()
                let scratch = daemon.scratch
                for program in ["podman", "containerd", "dockerd"] { chmod(try scratch.write("bin/" + program, ""), 0o755) }
                for (name, program) in [("portcullis-hook", Tree.embeddedHook), ("portcullis-runtime", Tree.embeddedWrapper)] {
                    chmod(try scratch.write("libexec/" + name, Data(contentsOf: URL(filePath: program))), 0o755)
                }
                plugin = FakeDaemon(scratch.path + "/nri-status.sock", .telling(Array(Self.state("receiving").utf8)))
                try mend()
            }

            deinit { plugin.stop() }

            static func state(_ state: String) -> String {
                #"{"version":"\#(version)","state":"\#(state)","problem":"","runtime":"containerd","runtimeVersion":"2.1.0","owesReplay":false}"#
            }

            static let version = (try? Command.run(Tree.cli, ["--version"]))?.output.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""

            /// Every file as it should be.
            func mend() throws {
                try? FileManager.default.removeItem(atPath: path("hooks.d"))
                try scratch.write("hooks.d/portcullis.json", Data(HookFile(path: hook).bytes))
                try scratch.write("hook.json", #"{"on-failure":"deny"}"#)
                try scratch.write("docker.json", #"{"runtimes":{"portcullis":{"path":"\#(path("libexec/portcullis-runtime"))"}},"default-runtime":"portcullis"}"#)
                try scratch.write("containerd.toml", "")
                for name in ["hook.json", "libexec/portcullis-hook", "libexec/portcullis-runtime"] { chmod(path(name), 0o755) }
            }

            struct Finding: Decodable { let check, state, found, advice: String }

            func doctor(_ more: [String] = [], socket: String? = nil) throws -> (status: Int32, findings: [Finding], error: String) {
                let outcome = try Command.run(
                    "/usr/bin/env",
                    ["PATH=\(path("bin"))", Tree.cli, "doctor", "--json", "--socket", socket ?? daemon.controlSocket, "--hook", hook, "--hook-config", path("hook.json"), "--hooks-dir", path("hooks.d"),
                     "--nri-socket", path("nri.sock"), "--containerd-config", path("containerd.toml"), "--docker-config", path("docker.json")] + (more.contains("--nri-status") ? more : ["--nri-status", nri] + more))
                return (outcome.status, try outcome.output.split(separator: "\n").map { try JSONDecoder().decode(Finding.self, from: Data($0.utf8)) }, outcome.error)
            }

            /// The one finding of a check that is not ok, and that the exit status says so.
            func expect(_ state: String, _ check: String, _ found: String, _ more: [String] = [], at location: SourceLocation = #_sourceLocation) throws {
                let (status, findings, error) = try doctor(more), hits = findings.filter { $0.check == check && $0.state == state }
                #expect(hits.contains { $0.found.contains(found) && !$0.advice.isEmpty }, "\(findings) \(error)", sourceLocation: location)
                #expect(status == (state == "fail" ? 1 : 0), "\(findings) \(error)", sourceLocation: location)
                try mend()
            }
        }

        @Test func aMachineThatIsWell() throws {
            let machine = try Machine(), (status, findings, error) = try machine.doctor()
            let states = Dictionary(findings.map { ($0.check, $0.state) }) { one, _ in one }
            for check in ["daemon", "configuration", "pins", "replay", "counters", "hook", "hook-settings", "hooks.d", "containerd", "docker", "spool"] { #expect(states[check] == "ok", "\(check): \(findings)") }
            #expect(states["trial"] == "skip" && status == 0 && error.isEmpty, "\(findings) \(error)")
            // Nothing of it is changed, and nothing tried, where nothing can be enforced.
            let tried = try machine.doctor(["--try"]).findings.last
            if try machine.daemon.status()["enforcing"] as? Bool == false { #expect(tried?.check == "trial" && tried?.state == "warn" && tried?.found == "nothing is enforced here") }
            #expect(!FileManager.default.fileExists(atPath: "/var/lib/portcullis-doctor"))
            let text = try machine.daemon.cli("doctor", "--hook", machine.hook).output
            #expect(text.hasPrefix("ok    daemon ") && text.split(separator: "\n").contains { $0.hasPrefix("        ") }, "\(text)")
        }

        @Test func theHookIsBroken() throws {
            let machine = try Machine()
            chmod(machine.hook, 0o644)
            try machine.expect("fail", "hook", "\(machine.hook) cannot be executed")
            chmod(machine.hook, 0o777)
            try machine.expect("fail", "hook", "\(machine.hook) may be written by others than root")
            chown(machine.hook, 65534, 65534)
            try machine.expect("fail", "hook", "is not root's")
            chown(machine.hook, 0, 0)
            try machine.expect("fail", "hook", "/nowhere/portcullis-hook is not there", ["--hook", "/nowhere/portcullis-hook"])
            try machine.expect("fail", "hook", "is no ELF program", ["--hook", try executable(machine, "script", Data("#!/bin/sh\n".utf8))])
            var other = try Data(contentsOf: URL(filePath: machine.hook))
            other[18] = 183
            try machine.expect("fail", "hook", "is a program for aarch64", ["--hook", try executable(machine, "other", other)])
            try machine.expect("fail", "hook", "does not run", ["--hook", try executable(machine, "false", Data(contentsOf: URL(filePath: "/bin/busybox")))])
            try machine.scratch.write("hook.json", #"{"on-failur":"deny"}"#)
            try machine.expect("fail", "hook-settings", "hook.json: on-failur: unknown setting")
            chmod(machine.path("hook.json"), 0o666)
            try machine.expect("fail", "hook-settings", "hook.json may be written by others than root")
        }

        private func executable(_ machine: Machine, _ name: String, _ content: Data) throws -> String {
            let path = try machine.scratch.write("broken/" + name, content)
            chmod(path, 0o755)
            return path
        }

        @Test func theHooksDirectoryIsBroken() throws {
            let machine = try Machine()
            try machine.scratch.write("hooks.d/50-other.json", "{")
            try machine.expect("fail", "hooks.d", "hooks.d/50-other.json: ends in the middle, at byte 1")
            try machine.scratch.write("hooks.d/50-other.json", #"{"version":"1.0.0","hook":{"path":"/x"},"stages":["prestop"]}"#)
            try machine.expect("fail", "hooks.d", "50-other.json: stages: prestop is no stage")
            // Somebody else's that is right is nobody's business.
            try machine.scratch.write("hooks.d/50-other.json", #"{"version":"1.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":["poststop"]}"#)
            #expect(try machine.doctor().status == 0)
            try machine.scratch.write("hooks.d/portcullis.json", Data(HookFile(path: "/nowhere/portcullis-hook").bytes))
            try machine.expect("fail", "hooks.d", "hook.path: /nowhere/portcullis-hook is not there")
            try machine.scratch.write("hooks.d/portcullis.json", String(decoding: HookFile(path: machine.hook).bytes, as: UTF8.self).replacingOccurrences(of: "\"createRuntime\", ", with: ""))
            try machine.expect("fail", "hooks.d", "neither createRuntime nor prestart")
            try machine.scratch.write("hooks.d/second.json", Data(HookFile(path: machine.hook).bytes))
            try machine.expect("warn", "hooks.d", "2 files name the hook")
            try FileManager.default.removeItem(atPath: machine.hooksFile)
            try machine.expect("fail", "hooks.d", "names the hook: podman runs containers unregistered")
        }

        @Test func containerdAndDockerAreBroken() throws {
            let machine = try Machine(), nobody = machine.path("nobody.sock")
            let plugin = FakeDaemon(machine.path("late.sock"), .telling(Array(Machine.state("registering").utf8)))
            defer { plugin.stop() }
            try machine.expect("fail", "containerd", "portcullis-nri is registering", ["--nri-status", plugin.path])
            let state = #"{"version":"\#(Machine.version)","state":"receiving","owesReplay":false,"counters":{"hooksMissing":3,"late":0}}"#
            let counting = FakeDaemon(machine.path("counting.sock"), .telling(Array(state.utf8)))
            defer { counting.stop() }
            try machine.expect("warn", "containerd", "it counts hooksMissing 3", ["--nri-status", counting.path])
            try machine.scratch.write("nri.sock", "")
            // It may serve Docker alone.
            try machine.expect("warn", "containerd", "no portcullis-nri answers at \(nobody)", ["--nri-status", nobody])
            try FileManager.default.moveItem(atPath: machine.path("bin/dockerd"), toPath: machine.path("dockerd"))
            try machine.expect("fail", "containerd", "no portcullis-nri answers at \(nobody)", ["--nri-status", nobody])
            try FileManager.default.moveItem(atPath: machine.path("dockerd"), toPath: machine.path("bin/dockerd"))
            try FileManager.default.removeItem(atPath: machine.path("nri.sock"))
            try machine.scratch.write("containerd.toml", "[plugins.\"io.containerd.nri.v1.nri\"]\n  disable = true\n")
            try machine.expect("warn", "containerd", "containerd.toml has disable = true", ["--nri-status", nobody])
            try FileManager.default.removeItem(atPath: machine.path("bin/dockerd"))
            try machine.expect("fail", "containerd", "there is no \(machine.path("nri.sock"))", ["--nri-status", nobody])
            chmod(try machine.scratch.write("bin/dockerd", ""), 0o755)
            let spec = machine.path("spec.json")
            try machine.scratch.write("containerd.toml", "base_runtime_spec = \"\(spec)\"\n")
            try machine.expect("fail", "containerd", "\(spec) is not there", ["--nri-status", nobody])
            try machine.scratch.write("containerd.toml", "base_runtime_spec = \"\(spec)\"\n")
            try machine.scratch.write("spec.json", Data(BaseSpec.adding(HookFile(path: machine.hook), to: Array(#"{"ociVersion":"1.2.0","process":{}}"#.utf8))))
            #expect(try machine.doctor(["--nri-status", nobody]).findings.contains { $0.check == "containerd" && $0.state == "ok" })
            try machine.mend()

            try machine.scratch.write("docker.json", "{")
            try machine.expect("fail", "docker", "docker.json: ends in the middle")
            try machine.scratch.write("docker.json", "{}")
            try machine.expect("fail", "docker", "has no runtime portcullis-runtime")
            try machine.scratch.write("docker.json", #"{"runtimes":{"p":{"path":"\#(machine.path("libexec/portcullis-runtime"))"}}}"#)
            try machine.expect("warn", "docker", "not the default one")
            chmod(machine.path("libexec/portcullis-runtime"), 0o600)
            try machine.expect("fail", "docker", "portcullis-runtime cannot be executed")
            try FileManager.default.removeItem(atPath: machine.path("docker.json"))
            try machine.expect("fail", "docker", "docker.json is not there")
        }

        @Test func theDaemonIsAway() throws {
            let machine = try Machine()
            try machine.scratch.write("spooled/c1.frame", "")
            try machine.expect("warn", "spool", "spooled: 1 messages wait", ["--spool", machine.path("spooled")])
            let connection = try machine.daemon.connect()
            connection.send([4, 0, 0, 0, 1, 2, 3, 4])
            #expect(connection.receiveFrame() != nil)
            try machine.expect("warn", "counters", "hookFramesMalformed 1")
            #expect(machine.daemon.stop() == 0)
            try machine.expect("fail", "daemon", "cannot reach the daemon at \(machine.daemon.controlSocket)")
            // A trial that was asked for and cannot begin is nothing that is passed over.
            try machine.expect("fail", "trial", "no daemon answers", ["--try"])
        }

        /// Stopped, and the queue of its socket full.
        @Test func theDaemonHangs() throws {
            let machine = try Machine()
            kill(machine.daemon.pid, SIGSTOP)
            defer { kill(machine.daemon.pid, SIGCONT) }
            var waiting: [Int32] = []
            defer { for descriptor in waiting { close(descriptor) } }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: machine.daemon.controlSocket.utf8) }
            var isFull = false
            while !isFull, waiting.count < 5000 {
                waiting.append(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0))
                isFull = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(waiting[waiting.count - 1], $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
                } != 0
            }
            #expect(isFull && errno == EAGAIN)
            try machine.expect("fail", "daemon", "the daemon at \(machine.daemon.controlSocket) has not taken the connection within 10000 ms")
        }

        /// As under cron, whose PATH has no sbin.
        @Test func aRuntimeInAnSbinIsSeen() throws {
            let machine = try Machine()
            try FileManager.default.createDirectory(atPath: machine.path("sbin"), withIntermediateDirectories: false)
            try FileManager.default.moveItem(atPath: machine.path("bin/podman"), toPath: machine.path("sbin/podman"))
            #expect(try machine.doctor().findings.contains { $0.check == "hooks.d" && $0.state == "ok" && $0.found.hasSuffix("by podman") })
        }

        @Test func whatAKilledTrialHasLeftIsTold() throws {
            let machine = try Machine()
            let policy = try machine.scratch.write("left.yaml", """
                apiVersion: security.kubearmor.com/v1
                kind: KubeArmorPolicy
                metadata: {name: portcullis-doctor, namespace: portcullis-doctor}
                spec: {selector: {matchLabels: {app: portcullis-doctor}}, process: {matchPaths: [{path: /denied}]}, action: Block}
                """)
            #expect(try machine.daemon.cli("policy", "apply", policy).status == 0)
            func told(_ more: [String] = []) throws -> Bool {
                try machine.doctor(more).findings.contains { $0.check == "trial" && $0.state == "warn" && $0.found == "one that was killed has left its policy portcullis-doctor/portcullis-doctor in force" && !$0.advice.isEmpty }
            }
            #expect(try told())
            // Also where the trial that would take it away cannot begin: no runtime is in this PATH.
            #expect(try told(["--try"]))
            #expect(try machine.daemon.cli("policy", "delete", "portcullis-doctor/portcullis-doctor").status == 0)
            #expect(try !told())
        }
    }
}
