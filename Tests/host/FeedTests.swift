import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `portcullis-feed` with a daemon and containers, asked by a client that is made of KubeArmor's facts and not of our `.proto` files.
    @Suite(.serialized) struct Feed {
        private static let scripts = Tree.root + "/Tests/feed"
        private static let fetched = Result { try fetch() }

        /// A Python that has a gRPC client; nil where there is no network to get one from. Whatever else is in the way is a failure: a run that skips these is not green.
        private static func fetch() throws -> String? {
            try #require(FileManager.default.isExecutableFile(atPath: Tree.build + "/portcullis-feed"), "portcullis-feed is not built (make feed)")
            let place = ProcessInfo.processInfo.environment["PORTCULLIS_FEED_CACHE"] ?? "/var/cache/portcullis-feed"
            let outcome = try Command.run(scripts + "/fetch", [place], timeout: 700)
            if outcome.status == 3 {
                print("skipped: \(outcome.error)")
                return nil
            }
            try #require(outcome.status == 0, "\(outcome.error)")
            return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines) + "/venv/bin/python"
        }

        @Test(arguments: [
            "logs", "alerts", "throttle", "services", "policies", "transports", "unprivileged", "restarts", "stalled", "silence", "repeats", "host-policies", "health-watch", "early-reset", "connections",
            "stuck-output", "stuck-ending", "full-disk", "rotation", "journal", "journal-of-the-host",
        ])
        func serves(_ name: String) throws {
            guard let python = try Self.fetched.get() else { try Test.cancel("no network to get a gRPC client from") }
            let checked = try Command.run(
                "/usr/bin/env", ["--default-signal", "timeout", "--kill-after=20", "200", Self.scripts + "/check", "--bin", Tree.build, "--python", python, name], timeout: 240)
            #expect(checked.status == 0 && checked.output.hasPrefix("ok "), "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
        }

        /// With the configuration that is shipped.
        @Test func aCollectorFollowsItsFile() throws {
            let checked = try Command.run("/usr/bin/env", ["--default-signal", Self.scripts + "/collector"], timeout: 180)
            guard checked.status != 3 else { try Test.cancel("\(checked.error)") }
            #expect(checked.status == 0 && checked.output.hasPrefix("ok "), "\(checked.output)\(checked.error)")
        }
    }
}
