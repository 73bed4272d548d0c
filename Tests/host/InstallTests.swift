import Core
import Foundation
import Testing
import TestSupport

extension HostTests {
    /// `portcullis install` and `uninstall` where something is in their way: others at the same time, what a killed one has left, what is not ours.
    @Suite(.serialized) struct Install {
        let scratch: Scratch
        private var places: [String] { ["--dir", scratch.path + "/hooks.d", "--target", scratch.path + "/bin/portcullis-hook"] }
        private var file: String { scratch.path + "/hooks.d/portcullis.json" }
        private var program: String { scratch.path + "/bin/portcullis-hook" }

        init() throws { scratch = try Scratch() }

        private func install() throws -> Outcome { try Command.run(Tree.cli, ["install", "hooks", "--hook", Tree.embeddedHook] + places) }

        private func names() -> Set<String> {
            Set(["bin", "hooks.d", "base"].flatMap { part in ((try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/" + part)) ?? []).map { part + "/" + $0 } })
        }

        /// Each begins without the program, and has options of its own.
        @Test func manyAtOnce() throws {
            let all = """
                for round in 1 2 3 4; do
                    rm -rf "$1/bin" "$1/hooks.d"
                    pids=
                    for i in 1 2 3 4 5 6; do "$2" install hooks --hook "$3" --dir "$1/hooks.d" --target "$1/bin/portcullis-hook" -- --timeout ${i}s >/dev/null & pids="$pids $!"; done
                    for pid in $pids; do wait $pid || echo failed; done
                done
                """
            let outcome = try Command.run("/bin/sh", ["-c", all, "sh", scratch.path, Tree.cli, Tree.embeddedHook])
            #expect(outcome.output.isEmpty && outcome.error.isEmpty, "\(outcome.output) \(outcome.error)")
            #expect(names() == ["bin/portcullis-hook", "hooks.d/portcullis.json"])
            #expect(HookFile.program(in: [UInt8](try Data(contentsOf: URL(filePath: file)))) == program)
        }

        @Test func whatAKilledOneHasLeft() throws {
            // The second file that would be put in place is the one that podman reads.
            let killed = try Command.run(
                "/usr/bin/strace", ["-f", "-o", "/dev/null", "-e", "inject=rename:error=EIO:signal=KILL:when=2", Tree.cli, "install", "hooks", "--hook", Tree.embeddedHook] + places)
            #expect(killed.status != 0)
            let left = names().subtracting(["bin/portcullis-hook"])
            #expect(left.count == 1 && left.allSatisfy { $0.hasPrefix("hooks.d/.portcullis.json.") && $0.hasSuffix(".new") }, "\(left)")
            // In the way as well: an older one, what another one writes right now, and no file at all where an older version had its only name.
            try scratch.write("hooks.d/.portcullis.json.2.new", "")
            let busy = open(try scratch.write("hooks.d/.portcullis.json.1.new", ""), O_RDONLY | O_CLOEXEC)
            defer { close(busy) }
            #expect(flock(busy, LOCK_EX | LOCK_NB) == 0)
            try FileManager.default.createDirectory(atPath: scratch.path + "/hooks.d/.portcullis.json.new", withIntermediateDirectories: false)
            #expect(try install().status == 0)
            #expect(names() == ["bin/portcullis-hook", "hooks.d/portcullis.json", "hooks.d/.portcullis.json.1.new", "hooks.d/.portcullis.json.new"])
        }

        @Test func oneThatFailsLeavesNothing() throws {
            let failed = try Command.run(
                "/usr/bin/strace", ["-f", "-o", "/dev/null", "-e", "inject=rename:error=EIO:when=2", Tree.cli, "install", "hooks", "--hook", Tree.embeddedHook] + places)
            #expect(failed.status == 1 && failed.error.contains("putting \(file) in place"), "\(failed.error)")
            #expect(names() == ["bin/portcullis-hook"])
        }

        /// Right in content, and yet nothing that is left as it is.
        @Test func aFileThatOthersMayWriteIsMadeAnew() throws {
            #expect(try install().status == 0)
            #expect(chmod(file, 0o666) == 0)
            #expect(try install().output.contains("portcullis.json: written"))
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o644)
        }

        @Test(arguments: [
            ("a directory of somebody else's", "hooks.d is not root's"), ("a directory that others may write", "hooks.d may be written by others than root"),
            ("a file of somebody else's", "portcullis.json is not root's, and stays"), ("a file that others may write", "portcullis.json may be written by others than root, and stays"),
            ("a link for the file", "portcullis.json is a symbolic link, and stays"), ("another file", "portcullis.json is not ours, and stays"),
            ("a link for the program", "portcullis-hook is a symbolic link, and stays"), ("another program", "is no portcullis-hook, and stays"),
            ("a program of somebody else's", "portcullis-hook is not root's, and stays"), ("a directory of the program that others may write", "bin may be written by others than root"),
        ]) func whatIsNotOursStays(_ what: String, _ problem: String) throws {
            #expect(try install().status == 0)
            let hooks = scratch.path + "/hooks.d", bin = scratch.path + "/bin"
            func link(_ path: String) throws {
                try FileManager.default.moveItem(atPath: path, toPath: path + ".real")
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".real")
            }
            switch what {
            case "a directory of somebody else's": #expect(chown(hooks, 1000, 0) == 0)
            case "a directory that others may write": #expect(chmod(hooks, 0o777) == 0)
            case "a file of somebody else's": #expect(chown(file, 1000, 0) == 0)
            case "a file that others may write": #expect(chmod(file, 0o646) == 0)
            case "a link for the file": try link(file)
            case "another file": try scratch.write("hooks.d/portcullis.json", #"{"version":"1.0.0","hook":{"path":"/usr/bin/other"},"when":{"always":true},"stages":["prestart"]}"#)
            case "a link for the program": try link(program)
            case "another program": try scratch.write("bin/portcullis-hook", "#!/bin/sh\n")
            case "a program of somebody else's": #expect(chown(program, 1000, 0) == 0)
            default: #expect(chmod(bin, 0o777) == 0)
            }
            let before = names()
            let outcome = try Command.run(Tree.cli, ["uninstall", "hooks"] + places)
            #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.error.split(separator: "\n").count == 1, "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.hasPrefix("portcullis: ") && outcome.error.contains(problem), "\(outcome.error)")
            #expect(names() == before)
        }

        // MARK: The base spec

        private func baseSpec(_ ctr: String) throws -> Outcome {
            for (name, script) in [("containerd", "echo containerd github.com/containerd/containerd v1.7.0"), ("ctr", ctr)] {
                chmod(try scratch.write("programs/" + name, "#!/bin/sh\n\(script)\n"), 0o755)
            }
            let words = ["--output", scratch.path + "/base/spec.json", "--containerd", scratch.path + "/programs/containerd", "--hook", Tree.embeddedHook, "--target", program]
            return try Command.run(Tree.cli, ["install", "base-spec"] + words)
        }

        @Test func aBaseSpecThatIsNotOursStays() throws {
            #expect(try baseSpec(#"echo '{"ociVersion":"1.2.0","process":{}}'"#).status == 0)
            let spec = scratch.path + "/base/spec.json"
            func uninstall(_ problem: String) throws {
                let before = names(), outcome = try Command.run(Tree.cli, ["uninstall", "base-spec", "--output", spec])
                #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.error.contains(problem) && names() == before, "\(outcome.error)")
            }
            try FileManager.default.moveItem(atPath: spec, toPath: spec + ".real")
            try FileManager.default.createSymbolicLink(atPath: spec, withDestinationPath: spec + ".real")
            try uninstall("spec.json is a symbolic link, and stays")
            try FileManager.default.removeItem(atPath: spec)
            try FileManager.default.moveItem(atPath: spec + ".real", toPath: spec)
            #expect(chmod(scratch.path + "/base", 0o777) == 0)
            try uninstall("base may be written by others than root")
            #expect(chmod(scratch.path + "/base", 0o755) == 0)
            #expect(try Command.run(Tree.cli, ["uninstall", "base-spec", "--output", spec]).status == 0 && names().allSatisfy { !$0.hasPrefix("base/") })
        }

        /// A program that does not end, prints without end, or leaves another one that holds its output.
        @Test func theProgramsThatAreRunHaveALimit() throws {
            let hanging = try baseSpec("exec >&-; exec sleep 60")
            #expect(hanging.status == 1 && hanging.error.contains("\(scratch.path)/programs/ctr has not ended within 10 s"), "\(hanging.error)")
            let endless = try baseSpec("exec yes")
            #expect(endless.status == 1 && endless.error.contains("/programs/ctr prints more than 1048576 bytes"), "\(endless.error)")
            let leaving = try baseSpec(#"tail --pid=$PPID -f /dev/null & echo '{"ociVersion":"1.2.0","process":{}}'"#)
            #expect(leaving.status == 0, "\(leaving.error)")
        }
    }
}
