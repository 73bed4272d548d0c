import HookWire
import Testing

@testable import RuntimeWrapper

/// What command lines of runc and crun mean.
@Suite struct RuntimeCommandLineTests {
    private static func parse(_ line: String) -> RuntimeCommandLine { RuntimeCommandLine(line.split(separator: " ").map { Array($0.utf8) }) }
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(arguments: [
        // As containerd's shim calls it for Docker, and conmon for podman.
        ("--root /run/docker/runtime-runc/moby --log /b/log.json --log-format json --systemd-cgroup create --bundle /b --pid-file /b/init.pid c1", "/b/config.json", "c1"),
        ("--cgroup-manager cgroupfs --log-format=json --log=/l create --bundle /b --pid-file /p c1", "/b/config.json", "c1"),
        ("create c1", "./config.json", "c1"), ("run c1", "./config.json", "c1"), ("restore --image-path /i --bundle /b c1", "/b/config.json", "c1"),
        ("create -b /b c1", "/b/config.json", "c1"), ("create -b=/b c1", "/b/config.json", "c1"), ("create -bundle /b c1", "/b/config.json", "c1"),
        ("create --bundle=/b=c c1", "/b=c/config.json", "c1"), ("create c1 --bundle /b", "/b/config.json", "c1"), ("create -b/b c1", "/b/config.json", "c1"),
        ("create -b/b=c c1", "/b=c/config.json", "c1"), ("create --bund /b c1", "/b/config.json", "c1"), ("create --b=/b c1", "/b/config.json", "c1"),
        ("create --bundle /a --bundle /b c1", "/b/config.json", "c1"), ("create -- c1 --bundle /b", "./config.json", "c1"), ("create --bundle= c1", "./config.json", "c1"),
        // Values that look like what they are not.
        ("--root create run -b /b c1", "/b/config.json", "c1"), ("--log --bundle create -b /b c1", "/b/config.json", "c1"),
        ("create --pid-file --bundle --console-socket -b -b /b c1", "/b/config.json", "c1"), ("create --preserve-fds 3 --no-pivot -b /b c1", "/b/config.json", "c1"),
        ("-debug -root /r -rootless=true --criu /c create -no-pivot -pid-file /p -d --keep c1", "./config.json", "c1"),
        ("--debug=true --systemd-cgroup=false --unknown=x create c1", "./config.json", "c1"), ("-- create c1", "./config.json", "c1"),
        ("create --new-flag -b /b c1", "/b/config.json", "c1"), ("run -d --keep -b /b -", "/b/config.json", "-"),
        // crun's, from the current directory on; its own name for the usual file is not.
        ("create -b /b -f other.json c1", "other.json", "c1"), ("create -b /b --config=/x/y c1", "/x/y", "c1"), ("create -b /b --config config.json c1", "/b/config.json", "c1"),
        ("create -b /b -f/x c1", "/x", "c1"), ("create --conf /x c1", "/x", "c1"),
    ])
    func findsTheBundle(_ row: (line: String, path: String, id: String)) {
        let parsed = Self.parse(row.line)
        #expect(parsed.makesContainer && parsed.problem == nil)
        #expect(Self.text(parsed.configPath) == row.path && Self.text(parsed.containerID) == row.id)
    }

    @Test(arguments: [
        "", "--version", "-v", "--help", "features", "start create", "delete --force c1", "exec c1 run", "--root run state c1", "--root", "--log x", "--unknown c1 delete",
        "kill --all create 9", "-", "--", "--systemd-cgroup --root /r exec --process /p c1 create",
    ])
    func leavesEverythingElseAlone(_ line: String) {
        let parsed = Self.parse(line)
        #expect(!parsed.makesContainer && parsed.problem == nil)
    }

    @Test(arguments: [
        ("--unknown create c1", "--unknown", "unknown option before the command"), ("--unknown x run -b /b c1", "--unknown", "unknown option before the command"),
        ("create -db /b c1", "-db", "short options in one word"), ("create c1 --bundle", "--bundle", "needs a value"), ("run c1 -f", "-f", "needs a value"),
    ])
    func saysWhatCannotBeTold(_ row: (line: String, word: String, reason: String)) {
        let problem = Self.parse(row.line).problem
        #expect(problem.map { Self.text($0.word) } == row.word && problem.map { "\($0.reason)" } == row.reason)
    }

    @Test func knowsTheLog() {
        let parsed = Self.parse("--log /a --log-format json --log=/b exec c1")
        #expect(Self.text(parsed.log) == "/b" && parsed.isLogJSON)
        #expect(!Self.parse("--log /a --log-format text create c1").isLogJSON && Self.parse("create --log /a c1").log.isEmpty)
    }

    /// What may name a container that is there, and where its state is kept.
    @Test(arguments: [
        ("--root /r delete --force c1", "/r", ["c1"]), ("--root=/r --log /l kill --all c1 9", "/r", ["c1", "9"]), ("state c1", "", ["c1"]),
        ("exec --process /p --pid-file x --user root -e A=B -d c1 sh -c x", "", ["c1", "sh"]), ("exec -u root --cwd x c1 a b c d e", "", ["c1", "a", "b", "c"]),
        ("update -r - --cpu-quota 5 c1", "", ["5", "c1"]), ("--strange x kill c1 9", "", ["x", "kill", "c1", "9"]),
        ("kill ../c1 . .. 9", "", ["9"]), ("list", "", []), ("--root /r create -b /b c1", "/r", []), ("", "", []),
    ])
    func knowsWhatIsNamed(_ row: (line: String, root: String, names: [String])) {
        let parsed = Self.parse(row.line)
        #expect(Self.text(parsed.root) == row.root && parsed.named.map(Self.text) == row.names, "\(parsed.named.map(Self.text))")
    }

    @Test(arguments: [
        (#"{"pid":1,"bundle":"/b","rootfs":"/r"}"#, "/b"), (#"{"id":"c","config":{"rootfs":"/r","labels":["a=b","bundle=/b"],"x":{}}}"#, "/b"),
        // An annotation of that name stands before the runtime's own label.
        (#"{"config":{"labels":["bundle=/evil","bundle=/b"]}}"#, "/b"), (#"{"config":{"labels":null}}"#, ""), (#"{"config":null}"#, ""), ("{}", ""),
        (#"{"bundle":"relative"}"#, ""), (#"{"bundle":"/a\u0000b"}"#, ""), (#"{"config":{"labels":["bundled=/b"]}}"#, ""),
    ])
    func findsTheBundleOfAContainer(_ row: (state: String, bundle: String)) throws {
        for step in [1, 3, .max] { #expect(Self.text(try StateBundle.read(ArraySource(Array(row.state.utf8), step: step))) == row.bundle) }
        #expect(throws: JSONError.self) { try StateBundle.read(ArraySource(Array(row.state.utf8.dropLast()))) }
    }
}
