import CABI
import Testing

@testable import Core

/// Conditions beside the path, names in the DNS and presets: from the text to the decision that the image holds.
struct PolicyConditionsTests {
    private func compiled(_ spec: String, posture: Posture = .audit) throws -> Compiled {
        let parsed = PolicySample.parse(PolicySample.text(spec: spec))
        try #require(parsed.errors.isEmpty, "\(parsed.errors)")
        return try Compiled(parsed.policies, posture: posture)
    }

    private func says(_ compiled: Compiled, _ section: PolicyRule.Section, _ bytes: some Sequence<UInt8>, by source: String = "/bin/any", terminal: Bool = false)
        -> String
    {
        let decision = compiled.image.decision(
            automaton: section, path: Array(bytes), source: compiled.image.sourceClass(path: source.utf8), owner: false, write: false, terminal: terminal)
        return "\(decision.action)" + (decision.rule.map { " \($0)" } ?? "") + (decision.dependsOnArguments ? " by arguments" : "")
    }

    @Test(arguments: [("Block", "allow", "block 0"), ("Allow", "allow 0", "block 0"), ("Audit", "allow", "audit 0")])
    func ptsTellsTerminals(_ action: String, _ without: String, _ with: String) throws {
        for (section, rule, path) in [
            (PolicyRule.Section.process, "matchPaths: [{path: /bin/x, pts: false}]", Array("/bin/x".utf8)),
            (.file, "matchDirectories: [{dir: /bin/, pts: false}]", Array("/bin/x".utf8)),
            (.network, "matchProtocols: [{protocol: tcp, pts: false}]", NetworkProtocol.connection),
        ] {
            let set = try compiled("\(section.rawValue): {\(rule)}\naction: \(action)")
            #expect(says(set, section, path) == without && says(set, section, path, terminal: true) == with, "\(section)")
        }
    }

    @Test func aRuleWithPtsLeavesOthersToDecide() throws {
        let set = try compiled("""
            process:
              matchPaths: [{path: /bin/x, pts: false}]
              matchDirectories: [{dir: /bin/, action: Audit}]
            action: Block
            """)
        #expect(says(set, .process, "/bin/x".utf8) == "audit 1" && says(set, .process, "/bin/x".utf8, terminal: true) == "block 0")
        #expect(set.set.flags & PC_SET_PROCESS_STRICT.rawValue != 0)
    }

    @Test func anAllowThatCanDenyIsStrict() throws {
        for condition in ["pts: false", "ownerOnly: true", "allowedArgs: [x]"] {
            let set = try compiled("process: {matchPaths: [{path: /bin/x, \(condition)}]}\naction: Allow")
            #expect(set.set.flags & PC_SET_PROCESS_STRICT.rawValue != 0, "\(condition)")
        }
        #expect(try compiled("process: {matchPaths: [{path: /bin/x}]}\naction: Allow").set.flags & PC_SET_PROCESS_STRICT.rawValue == 0)
    }

    @Test(arguments: ["Block", "Allow", "Audit"])
    func argumentsDecide(_ action: String) throws {
        let set = try compiled("process: {matchPaths: [{path: /bin/x, allowedArgs: [-m, random, '', /a/b]}, {execname: y, allowedArgs: [z]}]}\naction: \(action)")
        let word = action == "Audit" ? "audit" : "block"
        #expect(says(set, .process, "/bin/x".utf8) == "\(word) 0 by arguments" && says(set, .process, "/opt/y".utf8) == "\(word) 1 by arguments")
        for (argument, rule) in [("-m", 0), ("random", 0), ("", 0), ("/a/b", 0), ("z", 1)] {
            #expect(set.image.allows(argument: argument.utf8, rule: UInt32(rule), source: 0) && !set.image.allows(argument: argument.utf8, rule: UInt32(1 - rule), source: 0), "\(argument)")
        }
        for argument in ["-", "-mm", "rando", "randomx", "/a", "/a/b/", "m"] { #expect(!set.image.allows(argument: argument.utf8, rule: 0, source: 0), "\(argument)") }
        #expect(set.set.flags & PC_SET_PROCESS_BLOCKS.rawValue == (action == "Audit" ? 0 : PC_SET_PROCESS_BLOCKS.rawValue))
    }

    /// The first rule and the source tell which rules decide together: another source is another group.
    @Test func rulesOfOneRankMustAllAllowAnArgument() throws {
        let set = try compiled("""
            process:
              matchPaths:
              - {path: /bin/x, allowedArgs: [a, b], fromSource: [{path: /s}, {path: /t}]}
              - {path: /bin/x, allowedArgs: [b, c], fromSource: [{path: /s}]}
            action: Block
            """)
        let both = set.image.sourceClass(path: "/s".utf8), one = set.image.sourceClass(path: "/t".utf8)
        #expect(says(set, .process, "/bin/x".utf8, by: "/s") == "block 0 by arguments" && says(set, .process, "/bin/x".utf8, by: "/t") == "block 0 by arguments")
        #expect(["a", "b", "c"].map { set.image.allows(argument: $0.utf8, rule: 0, source: both) } == [false, true, false])
        #expect(["a", "b", "c"].map { set.image.allows(argument: $0.utf8, rule: 0, source: one) } == [true, true, false])
        #expect(says(set, .process, "/bin/x".utf8) == "allow")
    }

    @Test func namesStandForAllBelowThem() throws {
        let set = try compiled("network: {matchDNSQueries: [{domain: Example.ORG.}, {domain: ok.example.org, action: Allow}]}\naction: Block", posture: .block)
        for (name, expected) in [
            (".example.org", "block 0"), (".www.example.org", "block 0"), (".a.b.example.org", "block 0"), (".ok.example.org", "allow 1"),
            (".x.ok.example.org", "allow 1"), (".ok.example.org.cluster.local", "allow 1"), (".ok.example.org.svc.cluster.local", "allow 1"),
            (".ok.example.org.shop.svc.cluster.local", "allow 1"), (".ok.example.org.shop.local", "block"), (".notexample.org", "block"),
            (".example.org.evil", "block"), (".org", "block"), ("", "block"),
        ] { #expect(says(set, .dns, name.utf8) == expected, "\(name)") }
        // The section's own whitelist: sockets are not concerned.
        #expect(says(set, .network, NetworkProtocol.connection) == "allow" && set.set.flags & PC_SET_NETWORK.rawValue == 0)
    }

    static let presets: [(preset: Preset, number: pc_preset, paths: [String], others: [String])] = [
        (.filelessExec, PC_PRESET_FILELESS_EXEC, ["memfd:x", "/dev/shm/x", "/run/shm/a/b", ""], ["/usr/bin/x", "/dev/shmx", "/dev/shm"]),
        (.anonymousMapExec, PC_PRESET_ANONYMOUS_MAP_EXEC, [""], []), (.protectEnv, PC_PRESET_PROTECT_ENV, ["/proc/1/environ", ""], []),
        (.protectProc, PC_PRESET_PROTECT_PROC, ["/proc/1/maps", ""], []), (.exec, PC_PRESET_EXEC, ["/bin/sh", ""], []),
    ]

    @Test(arguments: presets)
    func aPresetIsItsOwnKey(_ preset: Preset, _ number: pc_preset, _ paths: [String], _ others: [String]) throws {
        let set = try compiled("severity: 4\npresets: [{name: \(preset.rawValue), action: Audit}, {name: \(preset == .exec ? "protectEnv" : "exec")}]")
        let key = UInt8(PC_KEY_BYTE_BASE) | UInt8(number.rawValue)
        for path in paths { #expect(says(set, .presets, [key] + Array(path.utf8)) == "audit 0", "\(path)") }
        for path in others { #expect(says(set, .presets, [key] + Array(path.utf8)) == "allow", "\(path)") }
        #expect(set.set.policies[0].rules.map(\.severity) == [4, 4] && set.set.policies[0].rules.map(\.action) == [.audit, .block])
        #expect(set.set.flags & PC_SET_PRESETS_STRICT.rawValue != 0)
    }

    /// One group of Audit rules must not be taken for another that begins with the same rule.
    @Test func auditRulesWithArgumentsLoseNothing() throws {
        let set = try compiled("""
            process:
              matchPaths:
              - {execname: y, allowedArgs: [a], fromSource: [{path: /s}]}
              - {path: /opt/y, allowedArgs: [b]}
            action: Audit
            """)
        let source = set.image.sourceClass(path: "/s".utf8)
        for (path, argument, expected) in [("/bin/y", "a", false), ("/bin/y", "b", true), ("/opt/y", "a", true), ("/opt/y", "b", true)] {
            let decision = set.image.decision(automaton: .process, path: path.utf8, source: source, owner: false, write: false)
            let rule = try #require(decision.rule)
            let isAllowed = decision.dependsOnArguments && set.image.allows(argument: argument.utf8, rule: rule, source: source)
            #expect((decision.action == .audit && !isAllowed) || !expected, "\(path) \(argument)")
        }
    }

    @Test func argumentsCostNothingForEachSource() throws {
        let sources = (0..<40).map { "{path: /s\($0)}" }
        let arguments = "allowedArgs: [\((0..<20).map { "argument-number-\($0)" }.joined(separator: ", "))]"
        func states(_ count: Int) throws -> Int {
            let others = sources.prefix(count).enumerated().map { "{path: /o\($0.offset), fromSource: [\($0.element)]}" }.joined(separator: ", ")
            return try compiled("process: {matchPaths: [{path: /x, \(arguments)}\(count == 0 ? "" : ", " + others)]}").set.statistics.states
        }
        #expect(try states(40) < states(0) + 40 * 20)
    }

    static let calls: [(rule: String, name: String, path: String, expected: String)] = [
        ("matchSyscalls: [{syscall: [unlink, mkdir]}]", "unlink", "/any", "audit 0"), ("matchSyscalls: [{syscall: [unlink, mkdir]}]", "mkdir", "", "audit 1"),
        ("matchSyscalls: [{syscall: [unlink]}]", "rmdir", "/any", "allow"), ("matchPaths: [{path: /a, syscall: [unlink]}]", "unlink", "/a", "audit 0"),
        ("matchPaths: [{path: /a, syscall: [unlink]}]", "unlink", "/a/b", "allow"), ("matchPaths: [{path: /a/, syscall: [unlink]}]", "unlink", "/a/b", "audit 0"),
        ("matchPaths: [{path: /a/, syscall: [unlink]}]", "unlink", "/a/b/c", "allow"), ("matchPaths: [{path: /a/, recursive: true, syscall: [unlink]}]", "unlink", "/a/b/c", "audit 0"),
        ("matchPaths: [{path: /, recursive: true, syscall: [unlink]}]", "unlink", "/x", "audit 0"), ("matchPaths: [{path: /, recursive: true, syscall: [unlink]}]", "unlink", "", "allow"),
    ]

    @Test(arguments: calls)
    func systemCallsAreReportedByTheirPaths(_ rule: String, _ name: String, _ path: String, _ expected: String) throws {
        let set = try compiled("syscalls: {\(rule)}\naction: Block"), call = try #require(SystemCall(named: name))
        for key in call.keys { #expect(says(set, .syscalls, key + Array(path.utf8)) == expected, "\(key)") }
        #expect(set.set.flags == PC_SET_SYSCALLS.rawValue)
    }

    @Test func callsAreListedByTheirNumbersInBothABIs() throws {
        let set = try compiled("syscalls: {matchSyscalls: [{syscall: [unlink, exit_group]}]}").set, listed = set.systemCalls()
        let bits = withUnsafeBytes(of: listed) { bytes in (0..<1024).filter { bytes[$0 / 8] >> UInt8($0 % 8) & 1 == 1 } }
        #if arch(x86_64)
        #expect(bits == [87, 231, 512 + 10, 512 + 252], "\(bits)")
        // By int 0x80 a socket can be asked for directly, and not by socketcall(2) only.
        for (name, numbers) in [("connect", [42, 362]), ("sendmsg", [46, 370]), ("socket", [41, 359]), ("shmget", [29, 395]), ("openat", [257, 295])] {
            #expect(SystemCall(named: name)?.numbers == numbers, "\(name)")
        }
        #expect(SystemCall(named: "socketcall")?.numbers == [nil, 102])
        #expect(SystemCall.name(87) == "unlink" && SystemCall.name(10 | PC_SYSCALL_COMPATIBLE.magnitude) == "unlink" && SystemCall.name(10) == "mprotect")
        let paths = SystemCall.paths()
        withUnsafeBytes(of: paths) { #expect($0[87] == 1 && $0[263] == 2 && $0[0] == 0 && $0[512 + 10] == 1) }
        let endless = withUnsafeBytes(of: paths.endless) { Array($0.bindMemory(to: Int64.self)) }
        #expect(endless.prefix(2) == [60, 1 | 0x8000_0000] && endless.last == -1 && endless.contains(231), "\(endless)")
        #else
        #expect(bits.count >= 2)
        #endif
        #expect(set.listsEndlessCalls && SystemCall(named: "unlnk") == nil)
    }

    /// KubeArmor completes it where it loads the rule; elsewhere it is an error.
    @Test func aSourceDirectoryOfACallMayLackItsSlash() throws {
        let set = try compiled("syscalls: {matchSyscalls: [{syscall: [unlink], fromSource: [{dir: /bin}]}]}")
        #expect(set.set.policies[0].rules[0].sources == [.directory("/bin", recursive: false)])
    }

    @Test func everyPresetIsTried() { #expect(Self.presets.map(\.preset) == Preset.allCases) }

    @Test func whatHasNoConditionCostsNoColumns() throws {
        let plain = try compiled("process: {matchPaths: [{path: /bin/x}]}"), pts = try compiled("process: {matchPaths: [{path: /bin/x, pts: false}]}")
        #expect(plain.image.sources == 1 && pts.image.sources == 2)
    }
}
