import Foundation
import Testing
import TestSupport

extension HostTests {
    /// portcullis-nri with a real containerd and pods made through CRI. Which cases: `Tests/nri/check --list`.
    @Suite(.serialized) struct Plugin {
        /// Of the older line those in which the runtimes differ; all of the newer one.
        static let lines: [(String, [String])] = [
            ("2.x", []),
            ("1.7", [
                "identity", "existing", "a-plugin-killed", "a-containerd-killed", "a-daemon-killed", "failing-closed", "first-exec", "without-hook", "base-spec", "launched",
                "a-synchronize-of-many-messages", "a-silent-runtime", "churn",
            ]),
        ]

        @Test(arguments: lines) func serves(_ line: String, _ cases: [String]) throws {
            let fetched = try Command.run(Tree.root + "/Tests/host/containerd/fetch", [line], timeout: 300)
            let said = fetched.error.split(separator: "\n").last.map(String.init) ?? "fetching it took too long"
            guard fetched.status == 0 else { return print("skipped: \(said)") }
            let directory = fetched.output.trimmingCharacters(in: .whitespacesAndNewlines)
            // With no signal blocked, as they are for what a test's thread starts.
            let checked = try Command.run(
                "/usr/bin/env", ["--default-signal", Tree.root + "/Tests/nri/check", "--bin", Tree.build, "--containerd", directory] + cases, timeout: 900)
            #expect(checked.status == 0, "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
            print(checked.output)
        }

        /// Frames of a real runtime, byte for byte.
        @Test func answersARecordingByteForByte() throws {
            let samples = Tree.root + "/../shared/samples/nri08-wire.txt"
            guard FileManager.default.fileExists(atPath: samples) else { return print("skipped: no recording of a runtime at ../shared/samples/nri08-wire.txt") }
            let checked = try Command.run("/usr/bin/python3", [Tree.root + "/Tests/nri/wire", "--bin", Tree.build, samples], timeout: 60)
            #expect(checked.status == 0, "\(checked.output)\(checked.error)")
        }
    }
}
