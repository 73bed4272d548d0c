import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Registrations on the real kernel, by processes made for the purpose.
    @Suite(.serialized) struct Registration {
        private func reason(_ answer: HookAnswer) -> String { String(decoding: answer.reason, as: UTF8.self) }

        @Test func whatSharesTheHostsNamespacesIsRefused() throws {
            let daemon = try RealDaemon()
            let pid = pct_hold(0)
            defer { pct_end(pid) }
            let answer = try daemon.add("host", pid)
            #expect(answer.code == .hostNamespaces && reason(answer).contains("host's"))
            #expect(try daemon.counter("refusedHost") == 1 && daemon.fill() == [0, 0])
            #expect(daemon.logText.contains("refused a container"))
        }

        @Test func twoContainersWithOneKey() throws {
            let daemon = try RealDaemon()
            let first = try HeldContainer(daemon, "first")
            let second = pct_hold_inside(first.pid)
            try #require(second > 0)
            let answer = try daemon.add("second", second)
            #expect(answer.code == .sharedNamespaces && reason(answer).contains("first"))
            #expect(try daemon.containers().map { $0["id"] as? String } == ["first"])
            // In this order: a pid namespace's init is not gone before all of its processes have been waited for.
            pct_end(second)
            first.end()
        }

        @Test func theInitsDeathIsEnough() throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "unremoved")
            #expect(try daemon.fill() == [1, 1])
            held.end()
            let empty = try eventually { try daemon.fill() == [0, 0] }
            #expect(empty)
            #expect(try daemon.counter("endedUnremoved") == 1)
            #expect(try daemon.remove("unremoved").code == .removed)
        }

        @Test func repeatedStaleAndUnknown() throws {
            let daemon = try RealDaemon()
            let held = try HeldContainer(daemon, "c")
            defer { held.end() }
            #expect(try daemon.add("c", held.pid).code == .registered)
            #expect(try daemon.counter("repeated") == 1 && daemon.fill() == [1, 1])
            #expect(try daemon.remove("c").code == .stale)
            #expect(try daemon.remove("nobody").code == .removed)
            #expect(try daemon.counter("removedStale") == 1 && daemon.counter("removedUnknown") == 1 && daemon.fill() == [1, 1])
        }

        @Test func aProcessThatIsNotTheOneMeant() throws {
            let daemon = try RealDaemon()
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            var message = try daemon.message("c", pid)
            message.startTime += 1
            let connection = try daemon.connect()
            #expect(connection.ask(message)?.code == .processGone)
            message.startTime -= 1
            message.mountNamespace = 1
            #expect(connection.ask(message)?.code == .processGone)
            message.mountNamespace = 0
            message.pid = 4_194_303
            #expect(connection.ask(message)?.code == .processGone)
            #expect(try daemon.fill() == [0, 0])
        }

        @Test func aFullTableRefusesWithAReasonAndRecovers() throws {
            let daemon = try RealDaemon(["--capacity", "16"])
            var held = try (0..<16).map { try HeldContainer(daemon, "c\($0)") }
            let pid = pct_hold(pct_new_mount_and_pid())
            defer { pct_end(pid) }
            let answer = try daemon.add("c16", pid)
            #expect(answer.code == .tableFull && reason(answer).contains("all 16 slots are taken"))
            held.removeLast().end()
            let room = try eventually { try daemon.fill() == [15, 15] }
            #expect(room)
            #expect(try daemon.add("c16", pid).code == .registered)
            held.forEach { $0.end() }
        }

        @Test func inAnyOrderAndNumber() throws {
            let daemon = try RealDaemon()
            for round in 0..<20 {
                let held = try (0..<16).map { try HeldContainer(daemon, "r\(round)-\($0)") }
                #expect(try daemon.fill() == [16, 16])
                for (index, container) in held.enumerated().shuffled() {
                    container.end()
                    if index % 2 == 0 { #expect(try daemon.remove(container.id).code == .removed) }
                }
                let empty = try eventually { try daemon.fill() == [0, 0] }
                #expect(empty)
            }
            #expect(try daemon.counter("added") == 320)
        }
    }
}
