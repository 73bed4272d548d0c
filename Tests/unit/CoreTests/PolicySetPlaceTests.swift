import CABI
import Testing

@testable import Core

/// What cells tell besides the row, and what PC_CELL_FINAL promises.
@Suite struct PolicySetPlaceTests {
    /// Whatever follows where the walk stopped early, row and flags stay.
    @Test(arguments: PolicySetReferenceTests.seeds) func nothingChangesAfterTheWalkStopped(seed: UInt64) throws {
        var generator = PolicySetGenerator(seed: seed)
        var stopped = 0
        for _ in 0..<40 {
            let policies = generator.policies()
            let image = try Compiled(policies).image
            let rules = policies.flatMap(\.rules)
            for _ in 0..<30 {
                let path = generator.path(near: rules)
                for section in [PolicyRule.Section.process, .file] {
                    let place = image.place(section, path)
                    guard place.steps < path.count else { continue }
                    stopped += 1
                    let stem = path.prefix(place.steps)
                    for _ in 0..<4 {
                        let longer = stem + (0..<1 + generator.random.below(9)).map { _ in generator.random.pick(Array("/abcux.\u{e9}".utf8)) }
                        var whole = image.wholePlace(section, longer)
                        whole.steps = place.steps
                        guard whole != place else { continue }
                        Issue.record("seed \(seed): \(String(decoding: longer, as: UTF8.self)): \(whole) instead of \(place)")
                        return
                    }
                }
            }
        }
        #expect(stopped > 100, "too few walks end early to say anything")
    }

    @Test(arguments: [
        (PolicyRule.file(.block, .directory("/srv/data", recursive: true)), "/srv/data/x/y/z", 10),
        (.file(.block, .pattern("/srv/**")), "/srv/x/y/z", 5),
        (.file(.block, .directory("", recursive: true)), "/srv/x", 1),
        (.file(.block, .path("/srv")), "/usr/bin", 2),
        (.file(.block, .directory("/srv", recursive: false)), "/srv/a/b", 7),
    ]) func stopsAsSoonAsItMay(_ rule: PolicyRule, _ path: String, _ steps: Int) throws {
        #expect(try Compiled(rule).image.place(.file, path.utf8).steps == steps)
    }

    /// A rule, a path, and whether the path is an ancestor of what the rule names, and named itself.
    static let flags: [(PolicyRule, String, above: Bool, named: Bool)] = [
        (.file(.block, .path("/a/b/c")), "/a/b", true, false),
        (.file(.block, .path("/a/b/c")), "/a", true, false),
        (.file(.block, .path("/a/b/c")), "/a/b/c", false, true),
        (.file(.block, .path("/a/b/c")), "/a/bb", false, false),
        (.file(.block, .path("/a/b/c"), ownerOnly: true), "/a/b/c", false, true),
        (.file(.block, .path("/a/b/c"), sources: [.path("/bin/x")]), "/a/b/c", false, true),
        (.file(.block, .directory("/a/b", recursive: true)), "/a", true, false),
        (.file(.block, .directory("/a/b", recursive: true)), "/a/b/c", false, true),
        (.file(.block, .directory("/a/b", recursive: false)), "/a", true, false),
        (.file(.block, .directory("/a/b", recursive: false)), "/a/b/c", false, true),
        (.file(.block, .pattern("/a/*/c")), "/a/x", true, false),
        (.file(.block, .pattern("/a/*/c")), "/a/x/y", false, false),
        (.file(.block, .pattern("/a/**/c")), "/a/x/y", true, false),
        (.file(.block, .pattern("/a/b/**")), "/a/b", true, false),
        (.file(.block, .pattern("/a/b/**")), "/a/b/x", false, true),
        (.file(.block, .pattern("/**/c")), "/a", false, false),
        (.file(.block, .pattern("/**/c")), "/a/c", false, true),
        (.process(.block, .executableName("c")), "/a", false, false),
        (.process(.block, .executableName("c")), "/a/c", false, true),
    ]

    @Test(arguments: flags) func tellsWhatNamesAPlace(_ rule: PolicyRule, _ path: String, _ above: Bool, _ named: Bool) throws {
        for action in [PolicyAction.block, .allow, .audit] {
            var rule = rule
            rule.action = action
            let place = try Compiled(rule).image.place(rule.section, path.utf8)
            #expect(place.isAboveBlock == (above && action == .block) && place.isAboveAllow == (above && action == .allow), "\(action)")
            #expect(place.isNamedByBlock == (named && action == .block) && place.isNamedByAllow == (named && action == .allow), "\(action)")
        }
    }

    @Test func allowingEverythingNamesNothing() throws {
        #expect(try !Compiled(.file(.allow, .directory("", recursive: true))).image.place(.file, "/a".utf8).isNamedByAllow)
        #expect(try Compiled(.file(.block, .directory("", recursive: true))).image.place(.file, "/a".utf8).isNamedByBlock)
    }
}
