import Testing

@testable import Core

/// Every bound is an error that says how much was needed and whose rules need it.
@Suite struct PolicySetLimitTests {
    private func refusal(_ limits: PolicySetLimits, _ policies: [Policy]) -> PolicySetError? {
        do {
            _ = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: .audit), limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func policy(_ name: String, _ targets: [PolicyRule.Target], sources: (Int) -> [PolicyRule.Source] = { _ in [] }) -> Policy {
        var policy = Policy(name)
        policy.rules = targets.enumerated().map { number, target in
            var rule = PolicyRule.file(.block, target, sources: sources(number))
            rule.field = "file.matchPaths[\(number)]"
            rule.line = 10 + number
            return rule
        }
        return policy
    }

    @Test func rules() throws {
        let policies = [policy("small", [.path("/a")]), policy("large", [.path("/b"), .path("/c")])]
        #expect(refusal(PolicySetLimits(rules: 3), policies) == nil)
        let error = try #require(refusal(PolicySetLimits(rules: 2), policies))
        #expect(error.limit == .rules && error.maximum == 2 && error.reached == 3 && error.policy == "n/large")
        #expect(error.contributors.map(\.amount) == [2, 1] && error.contributors[0].field.isEmpty)
        #expect("\(error)".contains("needs at least 3 rules, the limit is 2; policy n/large") && "\(error)".contains("n/large (f.yaml:1): 2 rules"))
    }

    @Test func sources() throws {
        let policies = [policy("p", (0..<4).map { .path("/\($0)") }) { [.path("/bin/\($0)")] }]
        #expect(refusal(PolicySetLimits(sources: 5), policies) == nil)
        let error = try #require(refusal(PolicySetLimits(sources: 4), policies))
        #expect(error.limit == .sources && error.maximum == 4 && error.reached == 5 && error.policy == "n/p")
        #expect("\(error)".contains("classes of fromSource executables"))
    }

    /// What many rules have in common counts once, not once for each entry.
    @Test func manySourcesOfOneRuleAreOneClass() throws {
        let compiled = try Compiled([policy("p", [.path("/x")]) { _ in (0..<500).map { .path("/bin/\($0)") } }])
        #expect(compiled.image.sources == 2 && compiled.says(.file, "/x", by: "/bin/499") == "block 0" && compiled.says(.file, "/x") == "allow")
    }

    @Test func cells() throws {
        let policies = [
            policy("small", [.path("/a")]),
            policy("large", [.path("/" + String(repeating: "b", count: 3000)), .path("/c"), .directory("/d", recursive: true)]),
        ]
        #expect(refusal(PolicySetLimits(cells: 4096), policies) == nil)
        let error = try #require(refusal(PolicySetLimits(cells: 2048), policies))
        #expect(error.limit == .cells && error.maximum == 2048 && error.reached > 3000 && error.policy == "n/large")
        #expect(error.contributors[0].field == "file.matchPaths[0]" && error.contributors[0].line == 10 && error.contributors[0].file == "f.yaml")
        #expect((2990...3010).contains(error.contributors[0].amount))
        #expect("\(error)".contains("n/large file.matchPaths[0] (f.yaml:10): 300"))
    }

    /// Patterns whose automaton is exponentially large are given up, not worked on for ever.
    @Test func statesAndWork() throws {
        let harmless = policy("harmless", [.pattern("/**/*.conf")] + (0..<5).map { .path("/usr/bin/\($0)") })
        let explosive = policy("explosive", [.pattern("/**a????????????????????"), .pattern("/**b???????????????????")])
        for (limits, limit) in [(PolicySetLimits(states: 2000), PolicySetError.Limit.states), (PolicySetLimits(work: 30_000), .work)] {
            // Neither the first nor the last to come is blamed for it.
            for policies in [[harmless, explosive], [explosive, harmless]] {
                let error = try #require(refusal(limits, policies))
                #expect(error.limit == limit && error.reached > error.maximum && error.reached < error.maximum + 10_000)
                #expect(error.policy == "n/explosive" && error.contributors.first?.policy == "n/explosive", "\(error)")
                #expect(error.contributors.count <= 5)
            }
        }
        #expect(refusal(PolicySetLimits(), [harmless]) == nil)
    }

    @Test func theLimitsAreTheKernels() {
        let limits = PolicySetLimits()
        #expect(limits.rules == 65_535 && limits.sources == 64 && limits.cells == 1 << 20)
    }
}
