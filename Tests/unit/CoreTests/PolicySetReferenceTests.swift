import Testing

@testable import Core

/// The compiled image against the reference matcher, on generated sets and paths: more than a million comparisons a run.
@Suite struct PolicySetReferenceTests {
    /// Some seeds are always the same, some are new in every run; a failure names its seed.
    static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6] + (0..<2).map { _ in UInt64.random(in: 1000...UInt64(UInt32.max)) }
    static let setsForEachSeed = 60
    static let pathsForEachSet = 60
    static let sourcesForEachSet = 5

    @Test(arguments: seeds) func decidesAsTheReferenceDoes(seed: UInt64) throws {
        var generator = PolicySetGenerator(seed: seed)
        var comparisons = 0
        for number in 0..<Self.setsForEachSeed {
            generator.hasArguments = number % 3 == 0
            let failure = try compare(
                generator.policies(), number % 2 == 0 ? .audit : .block, paths: Self.pathsForEachSet, &generator, &comparisons)
            if let failure {
                Issue.record("seed \(seed), set \(number): \(failure)")
                return
            }
        }
        #expect(comparisons * Self.seeds.count >= 1_000_000)
    }

    /// More rules in one set, most paths matching several. Patterns like these multiply, so that these are thousands of states.
    @Test(arguments: seeds.suffix(2)) func decidesAsTheReferenceDoesInALargeSet(seed: UInt64) throws {
        var generator = PolicySetGenerator(seed: seed)
        var policy = Policy("p")
        policy.rules = (0..<30).map { _ in generator.rule() }
        var comparisons = 0
        if let failure = try compare([policy], .block, paths: 200, &generator, &comparisons) { Issue.record("seed \(seed): \(failure)") }
    }

    /// Compares every decision on paths near the rules, for sources near the rules' sources; says what differs first.
    private func compare(
        _ policies: [Policy], _ posture: Posture, paths: Int, _ generator: inout PolicySetGenerator, _ comparisons: inout Int
    ) throws -> String? {
        let compiled = try Compiled(policies, posture: posture)
        let reference = ReferenceMatcher(policies, posture: posture)
        let rules = policies.flatMap(\.rules)
        let named = rules.flatMap(\.sources).map { source -> PolicyRule in
            switch source {
            case .path(let path): .file(.allow, .path(path))
            case .directory(let directory, let recursive): .file(.allow, .directory(directory, recursive: recursive))
            }
        }
        let sources = (0..<Self.sourcesForEachSet).map { _ -> (path: [UInt8], class: Int, applies: [Bool]) in
            let path = generator.path(near: named.isEmpty ? rules : named)
            return (path, compiled.image.sourceClass(path: path), reference.applies(to: path))
        }
        for _ in 0..<paths {
            let path = generator.path(near: rules)
            for section in [PolicyRule.Section.process, .file] {
                let place = compiled.image.place(section, path)
                let matching = reference.matching(section, path)
                let isByArguments = matching.contains { !rules[$0].allowedArguments.isEmpty }
                for source in sources {
                    for mode in 0..<8 {
                        comparisons += 1
                        let access = ReferenceMatcher.Access(
                            owner: mode & 1 != 0, write: mode & 2 != 0, terminal: mode & 4 != 0, arguments: isByArguments ? generator.someArguments() : [])
                        let found = decision(compiled.image, section, place, source.class, access)
                        let expected = reference.decision(section, matching, source.applies, access)
                        // Which of several rules with arguments is named is not laid down.
                        if isByArguments ? found.action == expected.action : found == expected { continue }
                        return """
                            \(section) \(text(path)) by \(text(source.path)), \(access): \(found) instead of \(expected)
                            \(describe(rules))
                            """
                    }
                }
                let flags = [place.isAboveBlock, place.isAboveAllow, place.isNamedByBlock, place.isNamedByAllow]
                let expected = [
                    reference.isAbove(.block, section, path), reference.isAbove(.allow, section, path),
                    reference.isNamed(.block, matching), reference.isNamed(.allow, matching),
                ]
                if flags != expected { return "\(section) \(text(path)): \(place)\n\(describe(rules))" }
            }
        }
        return nil
    }

    /// What the kernel makes of the image: where arguments matter, it looks at each.
    private func decision(
        _ image: PolicySetImage, _ section: PolicyRule.Section, _ place: PolicySetImage.Place, _ source: Int, _ access: ReferenceMatcher.Access
    ) -> PolicySetDecision {
        let found = image.decision(section, at: place, source: source, owner: access.owner, write: access.write, terminal: access.terminal)
        guard found.dependsOnArguments, let rule = found.rule, !access.arguments.isEmpty else { return found }
        let isAllowed = access.arguments.allSatisfy { image.allows(argument: $0.utf8, rule: rule, source: source, owner: access.owner, terminal: access.terminal) }
        return isAllowed ? PolicySetDecision(word: found.word & ~3) : found
    }

    private func text(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

    private func describe(_ rules: [PolicyRule]) -> String {
        rules.enumerated().map { "  \($0): \($1.section) \($1.action) \(describe($1.target)) \($1.sources) owner \($1.ownerOnly) readOnly \($1.readOnly) pts \(!$1.withoutTerminal) \($1.allowedArguments)" }
            .joined(separator: "\n")
    }

    private func describe(_ target: PolicyRule.Target) -> String {
        guard case .pattern(let glob) = target else { return "\(target)" }
        return "pattern " + describe(glob.elements)
    }

    private func describe(_ elements: [Glob.Element]) -> String {
        elements.map { element in
            switch element {
            case .byte(let byte): String(decoding: [byte], as: UTF8.self)
            case .set(let set): "[\(String(decoding: (32...126).filter { set.contains($0) }, as: UTF8.self))]"
            case .withinComponent: "*"
            case .acrossComponents: "**"
            case .alternatives(let alternatives): "{\(alternatives.map { describe($0) }.joined(separator: ","))}"
            }
        }.joined()
    }
}
