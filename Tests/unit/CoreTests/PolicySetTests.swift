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

@Suite struct PolicySetContentTests {
    private func flags(_ rules: PolicyRule..., posture: Posture = .audit, mounts: Bool = false) throws -> UInt32 {
        var policy = Policy("p")
        policy.rules = rules
        policy.allowsMounts = mounts
        return try Compiled([policy], posture: posture).set.flags
    }

    @Test func flagsTellWhatASetContains() throws {
        func bits(_ flags: pc_set_flag...) -> UInt32 { flags.reduce(0) { $0 | $1.rawValue } }
        #expect(try flags() == 0)
        #expect(try flags(.process(.audit, .path("/x"))) == bits(PC_SET_PROCESS))
        #expect(try flags(.process(.block, .path("/x"))) == bits(PC_SET_PROCESS, PC_SET_PROCESS_STRICT, PC_SET_PROCESS_BLOCKS))
        #expect(try flags(.process(.allow, .path("/x"))) == bits(PC_SET_PROCESS, PC_SET_PROCESS_ALLOWS))
        #expect(try flags(.process(.allow, .path("/x")), posture: .block) == bits(PC_SET_PROCESS, PC_SET_PROCESS_ALLOWS, PC_SET_PROCESS_STRICT))
        #expect(try flags(.file(.audit, .path("/x"), readOnly: true)) == bits(PC_SET_FILE))
        #expect(try flags(.file(.block, .path("/x"), readOnly: true)) == bits(PC_SET_FILE, PC_SET_FILE_STRICT, PC_SET_READ_ONLY))
        #expect(try flags(.file(.allow, .path("/x"), readOnly: true)) == bits(PC_SET_FILE, PC_SET_FILE_STRICT, PC_SET_READ_ONLY))
        #expect(try flags(.file(.allow, .path("/x")), posture: .block) == bits(PC_SET_FILE, PC_SET_FILE_STRICT))
        #expect(try flags(.file(.audit, .path("/x"), sources: [.path("/y")], ownerOnly: true)) == bits(PC_SET_FILE, PC_SET_SOURCES, PC_SET_OWNERS))
        #expect(try flags(mounts: true) == bits(PC_SET_MOUNTS))
    }

    @Test func numbersLeadToRules() throws {
        let policies = [Policy("a", .file(.block, .path("/a"))), Policy("b"), Policy("c", .file(.block, .path("/b")), .file(.audit, .path("/c")))]
        let set = try Compiled(policies).set
        #expect(set.rule(0)?.policy.name == "a" && set.rule(1)?.policy.name == "c" && set.rule(2)?.rule.action == .audit)
        #expect(set.rule(3) == nil && set.rule(UInt32(PC_RULE_NONE)) == nil)
    }

    /// The number is written down, so that a digest that differs from run to run fails. Whoever changes what an image looks like
    /// changes it here too.
    @Test func digestsAreTheSameInEveryRun() throws {
        let rules: [PolicyRule] = [
            .file(.block, .pattern("/usr/{bin,sbin}/[a-c]*")), .process(.allow, .executableName("sh"), sources: [.path("/a"), .directory("/b", recursive: true)]),
            .file(.audit, .directory("/etc", recursive: true)), .file(.allow, .pattern("/**/*.[co]?")),
        ]
        func digest(_ change: (inout Policy) -> Void = { _ in }, posture: Posture = .audit) throws -> UInt64 {
            var policy = Policy("p")
            policy.rules = rules
            change(&policy)
            return try Compiled([policy], posture: posture).set.digest
        }
        let first = try digest()
        #expect(first == 8_805_248_294_915_085_321)
        #expect(try first == digest())
        let others = [
            try digest { $0.name = "q" }, try digest { $0.namespace = "m" }, try digest { $0.rules[0].severity = 3 },
            try digest { $0.rules[1].tags = ["a"] }, try digest { $0.rules[1].tags = ["a", ""] }, try digest { $0.rules[2].message = "a" },
            try digest { $0.rules[2].field = "a" }, try digest { $0.rules[3].action = .block }, try digest { $0.rules.removeLast() },
            try digest { $0.rules.swapAt(0, 1) }, try digest { $0.allowsMounts = true }, try digest(posture: .block),
        ]
        #expect(Set(others + [first]).count == others.count + 1)
        #expect(try first == digest { $0.origin = .init(file: "other", line: 7) }, "where a policy stands says nothing of what it does")
    }

    /// Where a path's rules change nothing, it is as if there were none: no row, and no state for it.
    @Test func rulesThatChangeNothingCostNothing() throws {
        let audit = try Compiled(.file(.allow, .path("/a")), .file(.audit, .path("/b")), posture: .block).set.statistics
        let alone = try Compiled(.file(.allow, .path("/a")), posture: .block).set.statistics
        #expect(audit.rows == 8 && audit.rows == alone.rows && audit.states == alone.states)
    }

    @Test func imagesThatAreNotWholeAreRefused() throws {
        let cells = try Compiled(.file(.block, .path("/x"))).set.cells
        #expect(PolicySetImage(cells: cells) != nil && cells.count == Int(PC_PAGE_CELLS))
        #expect(PolicySetImage(cells: []) == nil && PolicySetImage(cells: Array(cells.dropLast())) == nil)
        #expect(PolicySetImage(cells: [UInt64](repeating: 0, count: 2048)) == nil)
    }
}
