import CABI
import Testing

@testable import Core

@Suite struct PolicySetTests {
    @Test(arguments: [
        ("/etc/shadow", "block 0"), ("/etc/shado", "allow"), ("/etc/shadow/x", "allow"), ("/etc", "allow"), ("/", "allow"),
        ("/usr/lib", "block 1"), ("/usr/lib/x", "block 1"), ("/usr/lib/x/y", "allow"), ("/usr/libx", "allow"),
        ("/var/log", "audit 2"), ("/var/log/a/b", "audit 2"), ("/var/logs", "allow"), ("memfd:x", "allow"), ("\u{ff}", "allow"),
    ])
    func literalPathsAndDirectories(_ path: String, _ expected: String) throws {
        let compiled = try Compiled(
            .file(.block, .path("/etc/shadow")), .file(.block, .directory("/usr/lib", recursive: false)),
            .file(.audit, .directory("/var/log", recursive: true)))
        #expect(compiled.says(.file, path) == expected)
        #expect(compiled.says(.process, path) == "allow")
    }

    @Test func anEmptySetAllowsEverything() throws {
        let compiled = try Compiled([])
        #expect(compiled.says(.file, "/x") == "allow" && compiled.says(.process, "/x") == "allow")
        #expect(compiled.set.cells.count == Int(PC_PAGE_CELLS) && compiled.set.flags == 0 && compiled.set.statistics.states == 0)
    }

    @Test func whitelistModeFollowsThePosture() throws {
        for (posture, expected) in [(Posture.audit, "audit"), (.block, "block")] {
            let compiled = try Compiled(.process(.allow, .path("/bin/a")), .file(.block, .path("/x")), posture: posture)
            #expect(compiled.says(.process, "/bin/a") == "allow 0" && compiled.says(.process, "/bin/b") == expected)
            #expect(compiled.says(.file, "/x") == "block 1" && compiled.says(.file, "/y") == "allow")
        }
    }
}
