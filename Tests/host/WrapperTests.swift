import Foundation
import Testing
import TestSupport

extension HostTests {
    /// Real runtimes, wrapped: they find the bundle where the wrapper has found it, however it is said, and run the hook.
    @Suite(.serialized) struct Wrapper {
        /// `B` stands for the bundle.
        private static let common = ["--bundle B c1", "--bundle=B c1", "-b B c1", "--bundle /nowhere --bundle B c1", "-b B -- c1", "c1"]

        private func run(_ runtime: String, _ words: String, globals: String = "", prefix: String = "") throws {
            let bundle = try Bundle(nil)
            let log = bundle.scratch.path + "/log"
            chmod(try bundle.scratch.write("hook", "#!/bin/sh\necho \"$0 $(env | grep -v -e ^PWD= -e ^_= | tr '\\n' ' ')\" >>\(log)\n"), 0o755)
            let wrapped = "\(Tree.embeddedWrapper) --portcullis-runtime=\(runtime) --portcullis-hook=\(bundle.scratch.path)/hook --root \(bundle.root) \(globals)"
            let command = "\(prefix) \(wrapped) run \(words.replacingOccurrences(of: "B", with: bundle.path))"
            let outcome = try Command.run("/usr/bin/env", ["--default-signal", "unshare", "-m", "/bin/sh", "-c", command], directory: bundle.path)
            #expect(outcome.status == 0, "\(command): \(outcome.error)")
            // Once as createRuntime, once as poststop, with the environment that the entry gives it and none of the runtime's.
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            #expect(said == String(repeating: "\(bundle.scratch.path)/hook PATH=/usr/sbin:/usr/bin:/sbin:/bin \n", count: 2), "\(command): \(said)")
        }

        @Test(arguments: common + ["-bundle B c1", "-b=B c1"]) func runc(_ words: String) throws {
            try run(Bundle.runc, words)
        }

        @Test(arguments: common + ["-bB c1", "--bund B c1", "--b=B c1", "-b B --config B/config.json c1"]) func crun(_ words: String) throws {
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/crun") else { return print("skipped: no crun") }
            // It refuses a hybrid of both versions of cgroups: then it is shown one of them, and makes none.
            try run("/usr/bin/crun", "--no-new-keyring " + words, globals: "--cgroup-manager disabled", prefix: "umount /sys/fs/cgroup/unified 2>/dev/null;")
        }
    }
}
