import Foundation
import Testing
import TestSupport

extension HostTests {
    /// Containers of a real dockerd, of Debian's packages, whose runtime is the wrapper.
    @Suite(.serialized) struct Docker {
        private static let scripts = Tree.root + "/Tests/host/docker"

        @Test func knowsItsContainers() throws {
            let fetched = try Command.run(Self.scripts + "/fetch", timeout: 300)
            let said = fetched.error.split(separator: "\n").last.map(String.init) ?? "fetching it took too long"
            guard fetched.status == 0 else { return print("skipped: \(said)") }
            let directory = fetched.output.trimmingCharacters(in: .whitespacesAndNewlines)
            // Told to end before it is killed, so that it cleans up; with no signal blocked, as they are for what a test's thread starts.
            let checked = try Command.run(
                "/usr/bin/env",
                ["--default-signal", "timeout", "--kill-after=100", "150", Self.scripts + "/check", "--bin", Tree.build, "--docker", directory],
                timeout: 270)
            #expect(checked.status == 0, "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
        }
    }
}
