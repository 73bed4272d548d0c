import Testing

@testable import Core

/// Which rule decides where several match: each row of docs/automaton.md's table once, in the words of a policy.
@Suite struct PolicySetRankTests {
    /// Two rules that match `/usr/bin/sh` for `/bin/x`, the winner first. The loser is the first rule in the set.
    static let pairs: [(String, PolicyRule, PolicyRule)] = [
        ("own sources win over none", .file(.allow, .directory("", recursive: true), sources: [.path("/bin/x")]), .file(.block, .path("/usr/bin/sh"))),
        ("a path wins over a deep pattern", .file(.allow, .path("/usr/bin/sh")), .file(.block, .pattern("/usr/bin/s[h]"))),
        ("a path wins over a directory", .file(.allow, .path("/usr/bin/sh")), .file(.block, .directory("/usr/bin", recursive: false))),
        ("a path wins over the directory it is", .file(.allow, .path("/usr/bin/sh")), .file(.block, .directory("/usr/bin/sh", recursive: true))),
        ("a name wins over a directory", .process(.allow, .executableName("sh")), .process(.block, .directory("/usr/bin", recursive: false))),
        ("a path wins over a name", .process(.allow, .path("/usr/bin/sh")), .process(.block, .executableName("sh"))),
        ("the deeper directory", .file(.allow, .directory("/usr/bin", recursive: false)), .file(.block, .directory("/usr", recursive: true))),
        ("the deeper directory, recursive or not", .file(.allow, .directory("/usr/bin", recursive: true)), .file(.block, .directory("", recursive: true))),
        ("a pattern at equal depth", .file(.allow, .pattern("/usr/bin/*")), .file(.block, .directory("/usr/bin", recursive: true))),
        ("the deeper pattern", .file(.allow, .pattern("/usr/bin/*")), .file(.block, .pattern("/usr/*/sh"))),
        ("a deeper directory over a pattern", .file(.allow, .directory("/usr/bin", recursive: true)), .file(.block, .pattern("/usr/**"))),
        ("half a component is no depth", .file(.allow, .directory("/usr", recursive: true)), .file(.block, .pattern("/us*/bin/sh"))),
        ("alternatives end the prefix", .file(.allow, .pattern("/usr/bin/*")), .file(.block, .pattern("/usr/{bin,sbin}/sh"))),
        ("a pattern of plain bytes counts whole", .file(.allow, .pattern("/usr/bin/sh")), .file(.block, .directory("/usr/bin/sh", recursive: false))),
        ("block wins at equal rank", .file(.block, .path("/usr/bin/sh")), .file(.allow, .path("/usr/bin/sh"))),
        ("block wins between directories of a depth", .file(.block, .directory("/usr/bin", recursive: true)), .file(.allow, .directory("/usr/bin", recursive: false))),
    ]

    @Test(arguments: pairs) func theHigherRankDecides(_ name: String, _ winner: PolicyRule, _ loser: PolicyRule) throws {
        let section = winner.section
        let expected = winner.action == .allow ? "allow" : "block"
        #expect(try Compiled(loser, winner).says(section, "/usr/bin/sh", by: "/bin/x") == expected + " 1", "\(name)")
        #expect(try Compiled(winner, loser).says(section, "/usr/bin/sh", by: "/bin/x") == expected + " 0", "\(name)")
        #expect(try Compiled(loser).says(section, "/usr/bin/sh", by: "/bin/x") == (loser.action == .allow ? "allow 0" : "block 0"), "\(name)")
    }

    @Test func aRuleWithSourcesIsForThemAlone() throws {
        let compiled = try Compiled(
            .file(.block, .path("/x"), sources: [.path("/bin/a"), .directory("/opt", recursive: true)]), .file(.audit, .path("/x")))
        #expect(compiled.says(.file, "/x", by: "/bin/a") == "block 0" && compiled.says(.file, "/x", by: "/opt/b/c") == "block 0")
        #expect(compiled.says(.file, "/x", by: "/bin/b") == "audit 1" && compiled.says(.file, "/x", by: "/bin/a/c") == "audit 1")
        #expect(compiled.image.sources == 2, "what the same rules are for is one class")
    }

    /// Action, ownerOnly, readOnly; then what a reading and a writing stranger get, a reading and a writing owner.
    static let outcomes: [(PolicyAction, Bool, Bool, [String])] = [
        (.block, false, false, ["block 0", "block 0", "block 0", "block 0"]),
        (.block, false, true, ["allow", "block 0 readOnly", "allow", "block 0 readOnly"]),
        (.block, true, false, ["block 0", "block 0", "allow 0", "allow 0"]),
        (.block, true, true, ["block 0", "block 0", "allow 0", "block 0 readOnly"]),
        (.allow, false, false, ["allow 0", "allow 0", "allow 0", "allow 0"]),
        (.allow, false, true, ["allow 0", "block 0 readOnly", "allow 0", "block 0 readOnly"]),
        (.allow, true, false, ["block 0", "block 0", "allow 0", "allow 0"]),
        (.allow, true, true, ["block 0", "block 0", "allow 0", "block 0 readOnly"]),
        (.audit, false, false, ["audit 0", "audit 0", "audit 0", "audit 0"]),
        (.audit, false, true, ["allow", "audit 0", "allow", "audit 0"]),
        (.audit, true, false, ["audit 0", "audit 0", "allow", "allow"]),
        (.audit, true, true, ["audit 0", "audit 0", "allow", "audit 0"]),
    ]

    @Test(arguments: outcomes) func oneRule(_ action: PolicyAction, _ ownerOnly: Bool, _ readOnly: Bool, _ expected: [String]) throws {
        let compiled = try Compiled(.file(action, .path("/x"), ownerOnly: ownerOnly, readOnly: readOnly))
        let found = [(false, false), (false, true), (true, false), (true, true)].map { compiled.says(.file, "/x", owner: $0, write: $1) }
        #expect(found == expected)
    }

    /// A lower rank decides where a readOnly Block says nothing, and Audit is judged apart from what is allowed.
    @Test func lowerRanksAndAudit() throws {
        let reads = try Compiled(.file(.block, .path("/a/b"), readOnly: true), .file(.allow, .directory("/a", recursive: true)), posture: .block)
        #expect(reads.says(.file, "/a/b") == "allow 1" && reads.says(.file, "/a/b", write: true) == "block 0 readOnly")
        let outranked = try Compiled(.file(.audit, .directory("/a", recursive: true)), .file(.allow, .path("/a/b")), posture: .block)
        #expect(outranked.says(.file, "/a/b") == "allow 1", "the Allow rule ranks higher")
        #expect(outranked.says(.file, "/a/c") == "block", "Audit does not allow")
        let equal = try Compiled(.file(.allow, .path("/a/b")), .file(.audit, .path("/a/b")), .file(.audit, .path("/a/b")))
        #expect(equal.says(.file, "/a/b") == "audit 1")
        let blocked = try Compiled(.file(.audit, .path("/a/b")), .file(.block, .directory("/a", recursive: true)))
        #expect(blocked.says(.file, "/a/b") == "block 1", "a block stays one, whatever the Audit rule's rank")
    }

    @Test func runningIsNotWriting() throws {
        var rule = PolicyRule.process(.block, .path("/x"))
        rule.readOnly = true
        let compiled = try Compiled(rule)
        #expect(compiled.says(.process, "/x") == "block 0" && compiled.says(.process, "/x", write: true) == "block 0")
    }
}

extension PolicyRule.Target {
    static func pattern(_ text: String) -> PolicyRule.Target {
        // A pattern that does not parse names nothing, and the test that uses it fails.
        .pattern((try? Glob(parsing: text)) ?? Glob(text: text, elements: []))
    }
}
