import Foundation
import Testing
import TestSupport

extension HostTests {
    /// Containers that a real containerd, of Debian's packages, has started before there is a daemon: with ctr, and with a pod through CRI.
    @Suite(.serialized) struct Containerd {
        private static let scripts = Tree.root + "/Tests/host/containerd"

        @Test(arguments: ["1.7", "2.x"]) func findsWhatItRuns(_ line: String) throws {
            let fetched = try Command.run(Self.scripts + "/fetch", [line], timeout: 300)
            let said = fetched.error.split(separator: "\n").last.map(String.init) ?? "fetching it took too long"
            guard fetched.status == 0 else { return print("skipped: \(said)") }
            let directory = fetched.output.trimmingCharacters(in: .whitespacesAndNewlines)
            // Told to end before it is killed, so that it cleans up; with no signal blocked, as they are for what a test's thread starts.
            let checked = try Command.run(
                "/usr/bin/env",
                ["--default-signal", "timeout", "--kill-after=100", "100", Self.scripts + "/check", "--bin", Tree.build, "--containerd", directory],
                timeout: 220)
            #expect(checked.status == 0, "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
        }
    }
}
