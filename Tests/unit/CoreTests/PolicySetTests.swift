import CABI
import Testing

@testable import Core

extension Policy {
    init(_ name: String = "p", _ rules: PathRule...) {
        self.init(name: name, namespace: "n", selector: PolicySelector(), rules: rules, origin: Origin(file: "f.yaml", line: 1))
    }
}

extension PathRule {
    static func file(_ action: PolicyAction, _ target: Target, sources: [Source] = [], ownerOnly: Bool = false, readOnly: Bool = false) -> PathRule {
        PathRule(section: .file, target: target, sources: sources, ownerOnly: ownerOnly, readOnly: readOnly, action: action)
    }
    static func process(_ action: PolicyAction, _ target: Target, sources: [Source] = [], ownerOnly: Bool = false) -> PathRule {
        PathRule(section: .process, target: target, sources: sources, ownerOnly: ownerOnly, action: action)
    }
}

/// A compiled set and its image, asked by path.
struct Compiled {
    let set: CompiledPolicySet
    let image: PolicySetImage

    init(_ policies: [Policy], posture: Posture = .audit, limits: PolicySetLimits = PolicySetLimits()) throws {
        set = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: posture), limits: limits)
        image = try #require(PolicySetImage(cells: set.cells))
    }

    init(_ rules: PathRule..., posture: Posture = .audit) throws {
        var policy = Policy("p")
        policy.rules = rules
        try self.init([policy], posture: posture)
    }

    /// `allow`, `audit 3`, `block 2`, `block 1 readOnly`: what happens and the rule that says so.
    func says(_ section: PathRule.Section, _ path: String, by source: String = "/bin/any", owner: Bool = false, write: Bool = false) -> String {
        let sourceClass = image.sourceClass(path: source.utf8)
        let decision = image.decision(automaton: section, path: path.utf8, source: sourceClass, owner: owner, write: write)
        return "\(decision.action)" + (decision.rule.map { " \($0)" } ?? "") + (decision.isReadOnly ? " readOnly" : "")
    }
}

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
