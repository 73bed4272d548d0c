import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// A full machine, for a while: what it costs at the end is what it cost at the beginning.
    @Suite(.serialized) struct FullMachine {
        /// A few slots stay free, since an end is seen after the process is gone.
        static let containers = 4_096 - 16
        static let seconds = ProcessInfo.processInfo.environment["PORTCULLIS_LONG"] == "1" ? 600.0 : 60.0

        private struct Cost {
            let residentKiB, descriptors: Int
            let fill: [Int]
        }

        private func cost(_ daemon: RealDaemon) throws -> Cost {
            let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            let resident = try #require(line.split(separator: " ").compactMap { Int($0) }.first)
            return Cost(
                residentKiB: resident, descriptors: try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count, fill: try daemon.fill())
        }

        @Test func churnAtTheBoundCostsNothingForGood() throws {
            let daemon = try RealDaemon()
            let connection = try daemon.connect()
            var living: [(id: String, pid: Int32)] = []
            var number = 0
            defer { for container in living { pct_end(container.pid) } }
            func begin() throws {
                number += 1
                let pid = pct_hold(pct_new_mount_and_pid())
                try #require(pid > 0, "no process: \(pid)")
                let answer = try #require(connection.ask(try daemon.message("c\(number)", pid)))
                try #require(answer.code == .registered, "container \(number): \(String(decoding: answer.reason, as: UTF8.self))")
                living.append(("c\(number)", pid))
            }
            while living.count < Self.containers { try begin() }
            // What is allocated once is allocated by the first round.
            for _ in 0..<200 {
                pct_end(living.removeFirst().pid)
                try begin()
            }
            #expect(try eventually { try daemon.fill() == [Self.containers, Self.containers] })
            let before = try cost(daemon)
            let began = Date()
            var slowest = 0.0, ended = 0
            var random = SystemRandomNumberGenerator()
            while Date().timeIntervalSince(began) < Self.seconds {
                pct_end(living.remove(at: Int.random(in: 0..<living.count, using: &random)).pid)
                let asked = Date()
                try begin()
                slowest = max(slowest, Date().timeIntervalSince(asked))
                ended += 1
            }
            #expect(try eventually { try daemon.fill() == [Self.containers, Self.containers] }, "\(daemon.logText.suffix(500))")
            let after = try cost(daemon)
            print("scale: \(ended) containers came and went in \(Int(Self.seconds)) s among \(Self.containers); resident \(before.residentKiB) and \(after.residentKiB) KiB,"
                + " descriptors \(before.descriptors) and \(after.descriptors), slowest start of a process and its registration \(Int(slowest * 1000)) ms")
            #expect(after.fill == before.fill)
            #expect(after.descriptors <= before.descriptors + before.descriptors / 50)
            #expect(after.residentKiB <= before.residentKiB + before.residentKiB / 50)
            #expect(try daemon.counter("refusedFull") == 0 && daemon.counter("added") == number)
        }
    }
}
