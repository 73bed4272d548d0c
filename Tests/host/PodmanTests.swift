import CTestSupport
import Foundation
import HookWire
import Testing
import TestSupport

extension HostTests {
    /// Containers of a real podman, Debian's, with the hook that `portcullis install hooks` has put in place; and that command itself.
    @Suite(.serialized) struct Podman {
        private static let check = Tree.root + "/Tests/host/podman/check"
        private static let podman = "/usr/bin/podman"

        @Test(arguments: ["runc", "crun"]) func runsTheHook(_ runtime: String) throws {
            let runs = ["/usr/sbin/", "/usr/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + runtime) }
            guard FileManager.default.isExecutableFile(atPath: Self.podman), runs else { return print("skipped: no podman or no \(runtime) here (scripts/install-packages \(Self.machine) host)") }
            let checked = try Command.run(
                "/usr/bin/env", ["--default-signal", "timeout", "--kill-after=60", "150", Self.check, "--bin", Tree.build, "--runtime", runtime], timeout: 220)
            #expect(checked.status == 0, "\(checked.timedOut ? "took too long\n" : "")\(checked.output)\(checked.error)")
        }

        private static let machine = "x86_64"

        /// A list that is not what podman writes costs the name, and not the container.
        @Test func aListThatIsNotBelievedCostsTheName() throws {
            let daemon = try RealDaemon()
            let directory = daemon.scratch.path + "/overlay-containers", list = directory + "/containers.json"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            func entry(_ id: String) -> String { #"{"id":"\#(id)","names":["name-of-\#(id)"],"metadata":"{\"image-name\":\"image-of-\#(id)\"}"}"# }
            func name(_ id: String) throws -> String? {
                let pid = pct_hold(pct_new_mount_and_pid())
                defer { pct_end(pid) }
                var message = try daemon.message(id, pid)
                message.bundle = Array("\(directory)/\(id)/userdata".utf8)
                message.annotations = [("io.container.manager", "libpod"), ("portcullis.io/name", "forged"), ("portcullis.io/image", "forged")].map {
                    HookMessage.Annotation(key: Array($0.0.utf8), value: Array($0.1.utf8))
                }
                let answer = try #require(try daemon.connect().ask(message))
                #expect(answer.code == .registered, "\(id): \(String(decoding: answer.reason, as: UTF8.self))")
                let listed = try daemon.containers().first { $0["id"] as? String == id }
                #expect(listed?["image"] as? String == (listed?["name"] as? String == "" ? "" : "image-of-\(id)"))
                return listed?["name"] as? String
            }
            func write(_ text: String, _ mode: Int = 0o600) throws {
                try? FileManager.default.removeItem(atPath: list)
                try Data(text.utf8).write(to: URL(filePath: list))
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: list)
            }
            #expect(try name("none") == "", "there is no list")
            #expect(try daemon.counter("namesUnread") == 0)
            try write("[\(entry("one")),\(entry("two"))]")
            #expect(try name("two") == "name-of-two")
            #expect(try name("three") == "", "the list does not know it")
            #expect(try daemon.counter("namesUnread") == 0)
            try write("[\(entry("open"))]", 0o666)
            #expect(try name("open") == "" && daemon.logText.contains("\(list) is not believed: others than root may write it"))
            try write("[\(entry("broken"))")
            #expect(try name("broken") == "name-of-broken", "what follows it is not read")
            try write("[{\(entry("worse"))")
            #expect(try name("worse") == "" && daemon.logText.contains("\(list) is not valid JSON, at byte 2"))
            try write("[\(entry("large")),\"\(String(repeating: " ", count: 1 << 20))\"]")
            #expect(try name("large") == "" && daemon.logText.contains("\(list) has more than 1048576 bytes"))
            try FileManager.default.removeItem(atPath: list)
            #expect(mkfifo(list, 0o600) == 0)
            #expect(try name("pipe") == "" && daemon.logText.contains("\(list) is not a regular file"))
            #expect(try daemon.counter("namesUnread") == 4)
        }

        /// Labels out of a database that SQLite itself has written with podman 5's table; what cannot be read of it costs the labels, and not the container.
        @Test func labelsOfPodman5() throws {
            let daemon = try RealDaemon()
            let root = daemon.scratch.path + "/g", database = root + "/db.sql", count = 400
            try FileManager.default.createDirectory(atPath: root + "/overlay-containers", withIntermediateDirectories: true)
            func write(_ mode: String) throws {
                for name in [database, database + "-wal", database + "-shm"] { try? FileManager.default.removeItem(atPath: name) }
                let script = """
                    import json, sqlite3, sys
                    file = sqlite3.connect(sys.argv[1])
                    file.execute("PRAGMA journal_mode = " + sys.argv[2])
                    file.execute("CREATE TABLE DBConfig(ID INTEGER PRIMARY KEY NOT NULL, SchemaVersion INTEGER NOT NULL)")
                    file.execute("CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL)")
                    for number in range(\(count)):
                        config = {"spec": {"x": "x" * (number * 97 % 30000)}, "labels": {"app": "app-%d" % number}}
                        file.execute("INSERT INTO ContainerConfig VALUES (?, ?, NULL, ?)", ("id-%d" % number, "name-%d" % number, json.dumps(config).encode()))
                    file.commit()
                    """
                let made = try Command.run("/usr/bin/python3", ["-c", script, database, mode])
                #expect(made.status == 0, "\(made.error)")
            }
            func label(_ id: String) throws -> String? {
                let pid = pct_hold(pct_new_mount_and_pid())
                defer { pct_end(pid) }
                var message = try daemon.message(id, pid)
                message.bundle = Array("\(root)/overlay-containers/\(id)/userdata".utf8)
                message.annotations = [("io.container.manager", "libpod"), ("portcullis.io/labels", #"{"app":"forged"}"#)].map {
                    HookMessage.Annotation(key: Array($0.0.utf8), value: Array($0.1.utf8))
                }
                let answer = try #require(try daemon.connect().ask(message))
                #expect(answer.code == .registered, "\(id): \(String(decoding: answer.reason, as: UTF8.self))")
                let listed = try daemon.containers().first { $0["id"] as? String == id }
                return (listed?["labels"] as? [String: String])?["app"]
            }
            func says(_ text: String) -> Bool { daemon.logText.contains("a container has no labels: \(text)") }
            try write("delete")
            for number in [0, 1, 57, 200, count - 1] { #expect(try label("id-\(number)") == "app-\(number)") }
            #expect(try daemon.counter("workloadLabelsUnread") == 0)
            #expect(try label("id-x") == nil && says("neither \(database) nor \(root)/libpod/bolt_state.db knows the container"))
            #expect(try daemon.counter("workloadLabelsUnread") == 1)
            // As a podman leaves it that was killed while it wrote.
            #expect(FileManager.default.createFile(atPath: database + "-journal", contents: Data("x".utf8)))
            #expect(try label("id-2") == nil && says("\(database) is not read while its journal is there"))
            try FileManager.default.removeItem(atPath: database + "-journal")
            #expect(try label("id-3") == "app-3")
            // Nothing beside the file was made by reading it.
            #expect(try FileManager.default.contentsOfDirectory(atPath: root).sorted() == ["db.sql", "overlay-containers"])
            try write("wal")
            #expect(try label("id-4") == nil && says("\(database) is in the mode with a write-ahead log"))
            try write("delete")
            #expect(chmod(root, 0o777) == 0)
            #expect(try label("id-5") == nil && says("\(database) is not believed: others than root may write \(root)"))
            #expect(chmod(root, 0o755) == 0 && chown(database, 1, 0) == 0)
            #expect(try label("id-6") == nil && says("\(database) is not believed: others than root may write \(database)"))
            #expect(try daemon.counter("workloadLabelsUnread") == 5 && daemon.counter("namesUnread") == 0)
        }

        // MARK: portcullis install

        private func install(_ scratch: Scratch, _ more: [String] = [], hook: String = Tree.embeddedHook) throws -> Outcome {
            try Command.run(Tree.cli, ["install", "hooks", "--dir", scratch.path + "/hooks.d", "--hook", hook, "--target", scratch.path + "/bin/portcullis-hook"] + more)
        }

        private func uninstall(_ scratch: Scratch) throws -> Outcome {
            try Command.run(Tree.cli, ["uninstall", "hooks", "--dir", scratch.path + "/hooks.d", "--target", scratch.path + "/bin/portcullis-hook"])
        }

        /// Every file below a directory, with its content and when it was last put there.
        private func files(_ scratch: Scratch) throws -> [String: String] {
            var found: [String: String] = [:]
            for name in FileManager.default.enumerator(atPath: scratch.path)?.compactMap({ $0 as? String }) ?? [] {
                var info = stat()
                guard lstat(scratch.path + "/" + name, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
                found[name] = "\(info.st_ino) \(info.st_mode & 0o777) \(try Data(contentsOf: URL(filePath: scratch.path + "/" + name)).hashValue)"
            }
            return found
        }

        @Test func itIsPutInPlaceOnceAndTakenAway() throws {
            let scratch = try Scratch()
            #expect(try install(scratch).status == 0)
            let first = try files(scratch)
            #expect(Set(first.keys) == ["bin/portcullis-hook", "hooks.d/portcullis.json"])
            let again = try install(scratch)
            #expect(try again.status == 0 && files(scratch) == first, "\(again.output)")
            // Other options: the file is another one, the program is the same.
            #expect(try install(scratch, ["--", "--on-failure", "deny"]).status == 0)
            let other = try files(scratch)
            #expect(other["bin/portcullis-hook"] == first["bin/portcullis-hook"] && other["hooks.d/portcullis.json"] != first["hooks.d/portcullis.json"])
            #expect(try uninstall(scratch).status == 0 && files(scratch).isEmpty)
            #expect(try uninstall(scratch).status == 0, "twice is once")
        }

        /// The program, then the file; the file, then the program: at no moment does a file name what is not there.
        @Test func theFileIsThereOnlyWhileTheProgramIs() throws {
            let scratch = try Scratch()
            let traces = try Scratch()
            func order(_ arguments: [String]) throws -> [String] {
                let outcome = try Command.run(
                    "/usr/bin/strace", ["-f", "-e", "trace=rename,renameat,renameat2,unlink,unlinkat,fsync", "-o", traces.path + "/trace", Tree.cli] + arguments)
                #expect(outcome.status == 0, "\(outcome.error)")
                return try String(contentsOfFile: traces.path + "/trace", encoding: .utf8).split(separator: "\n").compactMap { line in
                    guard line.hasSuffix("= 0") else { return nil }
                    if line.contains("fsync") { return "sync" }
                    let name = line.contains("portcullis.json") ? "file" : "program"
                    return line.contains("rename") ? "\(name) there" : line.contains(".new") ? nil : "\(name) gone"
                }
            }
            let places = ["--dir", scratch.path + "/hooks.d", "--target", scratch.path + "/bin/portcullis-hook"]
            #expect(try order(["install", "hooks", "--hook", Tree.embeddedHook] + places) == ["sync", "program there", "sync", "sync", "file there", "sync"])
            #expect(try order(["uninstall", "hooks"] + places) == ["file gone", "sync", "program gone", "sync"])
        }

        @Test(arguments: [
            ("a directory of somebody else's", "is not root's"), ("a directory that others may write", "may be written by others than root"), ("a file of somebody else's", "is there already and is not ours"),
            ("a program of somebody else's", "is there already and is no portcullis-hook"), ("no program", "cannot be executed"), ("another machine's", "is no ELF program"),
            ("another program", "is no portcullis-hook"), ("wrong options", "does not run with --on-failure maybe"), ("a relative path", "takes an absolute path"),
        ]) func whatWouldNotWorkChangesNothing(_ what: String, _ problem: String) throws {
            let scratch = try Scratch()
            let hooks = scratch.path + "/hooks.d", bin = scratch.path + "/bin"
            for directory in [hooks, bin] { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }
            var hook = Tree.embeddedHook, more: [String] = []
            switch what {
            case "a directory of somebody else's": #expect(chown(hooks, 1000, 0) == 0)
            case "a directory that others may write": #expect(chmod(hooks, 0o775) == 0)
            case "a file of somebody else's": _ = try scratch.write("hooks.d/portcullis.json", #"{"version":"1.0.0","hook":{"path":"/usr/bin/other"},"when":{"always":true},"stages":["prestart"]}"#)
            case "a program of somebody else's": _ = try scratch.write("bin/portcullis-hook", "#!/bin/sh\n")
            case "no program": hook = "/etc/passwd"
            case "another machine's":
                hook = try scratch.write("other", "MZ")
                #expect(chmod(hook, 0o755) == 0)
            case "another program": hook = "/bin/busybox"
            case "wrong options": more = ["--", "--on-failure", "maybe"]
            default: more = ["--host-root", "host"]
            }
            let before = try files(scratch)
            let outcome = try install(scratch, more, hook: hook)
            #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome.output)")
            let last = try #require(outcome.error.split(separator: "\n").last)
            #expect(last.hasPrefix("portcullis: ") && last.contains(problem), "\(outcome.error)")
            #expect(try files(scratch) == before)
            // Nor is a directory made for it.
            guard ["no program", "another program", "wrong options"].contains(what) else { return }
            for directory in [hooks, bin] { try FileManager.default.removeItem(atPath: directory) }
            #expect(try install(scratch, more, hook: hook).status == 1)
            #expect(!scratch.exists("hooks.d") && !scratch.exists("bin"))
        }

        /// What `make install` has put there is neither copied nor taken away, but only named where root alone can change it.
        @Test func anInstalledHookStaysWhereItIs() throws {
            let scratch = try Scratch()
            let cli = try scratch.write("bin/portcullis", Data(contentsOf: URL(filePath: Tree.cli)))
            let hook = try scratch.write("libexec/portcullis/portcullis-hook", Data(contentsOf: URL(filePath: Tree.embeddedHook)))
            for program in [cli, hook] { #expect(chmod(program, 0o755) == 0) }
            let directory = ["--dir", scratch.path + "/hooks.d"]
            #expect(try Command.run(cli, ["install", "hooks"] + directory).output.contains("\(hook): is in place"))
            let file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: scratch.path + "/hooks.d/portcullis.json"))) as? [String: Any])
            #expect((file["hook"] as? [String: Any])?["path"] as? String == hook)
            #expect(try Command.run(cli, ["uninstall", "hooks"] + directory).output.contains("\(hook): stays, it belongs to this installation"))
            #expect(try Set(files(scratch).keys) == ["bin/portcullis", "libexec/portcullis/portcullis-hook"])
            #expect(chmod(hook, 0o777) == 0)
            let outcome = try Command.run(cli, ["install", "hooks"] + directory)
            #expect(outcome.status == 1 && outcome.error.contains("\(hook) is not believed"), "\(outcome.error)")
        }

        /// As an init container does it: what is written lies below the host's root, and does not speak of it.
        @Test func aContainerInstallsForItsHost() throws {
            let scratch = try Scratch()
            #expect(try Command.run(Tree.cli, ["install", "hooks", "--hook", Tree.embeddedHook, "--host-root", scratch.path]).status == 0)
            let file = scratch.path + "/usr/share/containers/oci/hooks.d/portcullis.json"
            #expect(try Data(contentsOf: URL(filePath: file)) == Data(contentsOf: URL(filePath: Tree.root + "/hooks.d/portcullis.json")))
            #expect(FileManager.default.isExecutableFile(atPath: scratch.path + "/usr/libexec/portcullis/portcullis-hook"))
            #expect(try Command.run(Tree.cli, ["uninstall", "hooks", "--host-root", scratch.path]).status == 0 && files(scratch).isEmpty)
            // A link of the host's that would lead into the container's own directories.
            try FileManager.default.createSymbolicLink(atPath: scratch.path + "/out", withDestinationPath: "/usr")
            let outcome = try Command.run(Tree.cli, ["install", "hooks", "--hook", Tree.embeddedHook, "--host-root", scratch.path, "--dir", "/out/portcullis-test"])
            #expect(outcome.status == 1 && outcome.error.contains("leads out of \(scratch.path), to /usr"), "\(outcome.error)")
        }
    }
}
