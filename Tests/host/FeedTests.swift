import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `portcullis-feed` with a daemon and containers, asked by a client that is made of KubeArmor's facts and not of our `.proto` files.
    @Suite(.serialized) struct Feed {
        private static let scripts = Tree.root + "/Tests/feed"
        private static let python = Result { try fetch() }

        private static func fetch() throws -> (directory: String?, problem: String) {
            guard FileManager.default.isExecutableFile(atPath: Tree.build + "/portcullis-feed") else { return (nil, "portcullis-feed is not built (make feed)") }
            let place = ProcessInfo.processInfo.environment["PORTCULLIS_FEED_CACHE"] ?? "/var/cache/portcullis-feed"
            let fetched = try Command.run(scripts + "/fetch", [place], timeout: 400)
            guard fetched.status == 0 else { return (nil, fetched.error.trimmingCharacters(in: .whitespacesAndNewlines)) }
            return (fetched.output.trimmingCharacters(in: .whitespacesAndNewlines) + "/venv/bin/python", "")
        }

        @Test(arguments: ["logs", "alerts", "throttle", "services", "policies", "transports", "unprivileged", "restarts", "stalled", "silence", "repeats", "host-policies"])
        func serves(_ name: String) throws {
            let (python, problem) = try Self.python.get()
            guard let python else { return print("skipped: \(problem)") }
            let checked = try Command.run(
                "/usr/bin/env", ["--default-signal", "timeout", "--kill-after=20", "200", Self.scripts + "/check", "--bin", Tree.build, "--python", python, name], timeout: 240)
            #expect(checked.status == 0 && checked.output.hasPrefix("ok "), "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
        }

        /// With the configuration that is shipped.
        @Test func aCollectorFollowsItsFile() throws {
            let checked = try Command.run("/usr/bin/env", ["--default-signal", Self.scripts + "/collector"], timeout: 180)
            guard checked.status != 3 else { return print("skipped: \(checked.error)") }
            #expect(checked.status == 0 && checked.output.hasPrefix("ok "), "\(checked.output)\(checked.error)")
        }
    }
}
