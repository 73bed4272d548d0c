import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Who may speak on the hook socket, and what the daemon bears from those who may.
    @Suite(.serialized) struct Peers {
        /// The hook, run as someone else; the socket is opened to all, so that only the peer check stands in the way.
        private func refusal(_ daemon: RealDaemon, _ wrapper: [String]) throws -> Outcome {
            chmod(daemon.scratch.path, 0o755)
            chmod(daemon.scratch.path + "/run", 0o755)
            chmod(daemon.hookSocket, 0o666)
            let state = #"{"id":"c1","status":"stopped"}"#
            let hook = [Tree.embeddedHook, "--socket", daemon.hookSocket, "--spool", "/nonexistent/spool", "--on-failure", "deny"]
            return try Command.run(wrapper[0], Array(wrapper.dropFirst()) + hook, input: Data(state.utf8))
        }

        @Test(arguments: [
            (["/usr/bin/setpriv", "--reuid", "1000", "--clear-groups"], "not root"),
            (["/usr/bin/unshare", "-U", "-r"], "in another user namespace"),
            (["/usr/bin/unshare", "-p", "-f"], "in another pid namespace"),
        ])
        func strangersAreRefusedAndCounted(_ wrapper: [String], _ reason: String) throws {
            let daemon = try RealDaemon()
            let outcome = try refusal(daemon, wrapper)
            #expect(outcome.status == 1 && outcome.error.contains("refused by portcullisd: \(reason)"), "\(outcome.error)")
            #expect(try daemon.counter("hookPeersRefused") == 1)
            #expect(daemon.logText.contains("refused a peer on the hook socket: \(reason)"))
        }

        @Test func anotherMountNamespaceIsNotedOrRefused() throws {
            let daemon = try RealDaemon()
            let wrapper = ["/usr/bin/unshare", "-m"]
            #expect(try refusal(daemon, wrapper).status == 0)
            #expect(try daemon.counter("hookPeersForeignMounts") == 1 && daemon.counter("hookPeersRefused") == 0)
            let strict = try RealDaemon(["--strict-mount-namespace", "true"])
            #expect(try refusal(strict, wrapper).error.contains("strict-mount-namespace"))
        }

        @Test func aContainersProcessIsRefused() throws {
            let daemon = try RealDaemon()
            // Labelled, but in the host's pid namespace: only the label tells.
            let pid = pct_hold(pct_new_mount())
            defer { pct_end(pid) }
            #expect(try daemon.add("c", pid).code == .registered)
            let outcome = try Command.run("/usr/bin/nsenter", ["-t", "\(pid)", "-m", Tree.embeddedHook, "--socket", daemon.hookSocket, "--on-failure", "deny", "--spool", "/nonexistent"], input: Data(#"{"id":"x","status":"stopped"}"#.utf8))
            #expect(outcome.error.contains("a container's process"), "\(outcome.error)")
            #expect(try Command.run("/usr/bin/nsenter", ["-t", "\(pid)", "-m", Tree.cli, "status", "--socket", daemon.controlSocket]).status == 1)
        }

        @Test func theSocketIsRootsAlone() throws {
            let daemon = try RealDaemon()
            for (path, mode) in [(daemon.hookSocket, 0o600), (daemon.controlSocket, 0o600), (daemon.scratch.path + "/run", 0o700)] {
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == mode, "\(path)")
            }
        }

        @Test func badFramesAreRefusedOneByOne() throws {
            let daemon = try RealDaemon()
            let long = try daemon.connect()
            long.send([0xFF, 0xFF, 0xFF, 0x7F, 1, 1, 0, 0])
            #expect(long.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }?.code == .malformed)
            #expect(long.waitForEnd())
            let cut = try daemon.connect()
            cut.send([100, 0, 0, 0, 1, 1, 0, 0])
            shutdown(cut.descriptor, Int32(SHUT_WR))
            #expect(cut.waitForEnd())
            let garbage = try daemon.connect()
            garbage.send([4, 0, 0, 0] + Array("GET ".utf8))
            #expect(garbage.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }?.code == .malformed)
            // The same connection may go on with a good frame.
            #expect(garbage.ask(HookMessage(operation: .remove, containerID: [0x61]))?.code == .removed)
            #expect(try daemon.counter("hookFramesTooLong") == 1 && daemon.counter("hookFramesCut") == 1 && daemon.counter("hookFramesMalformed") == 1)
        }

        @Test func whoeverIsSlowOrSilentBlocksNobody() throws {
            let daemon = try RealDaemon()
            let frame = HookMessage(operation: .remove, containerID: Array("slow".utf8)).encoded()
            let silent = try (0..<500).map { _ in try daemon.connect() }
            let slow = try daemon.connect()
            for byte in frame.dropLast() {
                slow.send([byte])
                #expect(try daemon.remove("other").code == .removed)
            }
            slow.send([frame[frame.count - 1]])
            #expect(slow.receiveFrame() != nil)
            #expect(silent.count == 500)
        }

        @Test func beyondTheLimitTheOldestSilentConnectionGoes() throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = min(limit.rlim_max, 4_096)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let daemon = try RealDaemon()
            let first = try daemon.connect()
            var others: [Connection] = []
            for _ in 0..<1_024 { others.append(try daemon.connect()) }
            #expect(first.waitForEnd())
            #expect(try daemon.remove("x").code == .removed)
            others = [] // Foundation starts no process from one with a thousand descriptors
            #expect(try daemon.counter("hookPeersEvicted") >= 1)
        }

        @Test func withoutDescriptorsItNeitherSpinsNorStops() throws {
            let daemon = try RealDaemon()
            let inUse = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count
            #expect(try Command.run("/usr/bin/prlimit", ["--pid", "\(daemon.pid)", "--nofile=\(inUse + 50):\(inUse + 50)"]).status == 0)
            var connections = try (0..<120).map { _ in try daemon.connect() }
            // The last one is turned away at once rather than left waiting: with an answer, or by closing.
            let last = try #require(connections.last)
            let answer = last.receiveFrame().flatMap { try? HookAnswer(decoding: $0[...]) }
            #expect(answer == nil || answer?.code == .peerNotAllowed)
            connections = []
            #expect(try daemon.counter("hookOutOfDescriptors") + daemon.counter("hookPeersRefused") > 0)
            #expect(daemon.logText.contains("no descriptor left"))
            #expect(try daemon.remove("x").code == .removed)
        }

        @Test func aFullDiskUnderTheSpoolIsNamed() throws {
            let scratch = try Scratch()
            try FileManager.default.createDirectory(atPath: scratch.path + "/disk", withIntermediateDirectories: false)
            let state = #"{"id":"c1","status":"stopped"}"#
            let full = "mount -t tmpfs -o size=4k,nr_inodes=1,mode=0700 none \(scratch.path)/disk && exec \(Tree.embeddedHook) --socket /nonexistent/s --spool \(scratch.path)/disk --on-failure deny"
            let refused = try Command.run("/usr/bin/unshare", ["-m", "/bin/sh", "-c", full], input: Data(state.utf8))
            #expect(refused.status == 1 && refused.error.contains("not kept in \(scratch.path)/disk: no space left"), "\(refused.error)")
        }

        @Test func manyRequestsOnOneConnection() throws {
            let daemon = try RealDaemon()
            let connection = try daemon.connect()
            let frame = HookMessage(operation: .remove, containerID: Array("x".utf8)).encoded()
            connection.send(Array(repeating: frame, count: 100).flatMap { $0 })
            for _ in 0..<100 { #expect(connection.receiveFrame() != nil) }
            #expect(try daemon.counter("removedUnknown") == 100)
        }
    }
}
