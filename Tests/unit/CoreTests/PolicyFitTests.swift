import Testing

@testable import Core

/// A policy that exceeds the table by itself is wrong where it is read, as one with a wrong field is.
@Suite struct PolicyFitTests {
    private static let small = "file: {matchPaths: [{path: /a}]}"
    private static let changed = "file: {matchPaths: [{path: /b}]}"
    private static let large = "file: {matchPatterns: [{pattern: \"/**a????????\"}]}"
    /// Enough for the small policies alone.
    private let limits = PolicySetLimits(states: 100)

    private func text(_ policies: (name: String, spec: String)...) -> [UInt8] {
        Array(policies.map { PolicySample.text(name: $0.name, spec: $0.spec) }.joined(separator: "---\n").utf8)
    }

    private func library() -> PolicyLibrary { PolicyLibrary(fit: PolicyFit(limits: limits)) }

    /// Policies in force with their first path.
    private func shown(_ library: PolicyLibrary) -> [String] {
        library.policies.map { policy in
            guard case .path(let path)? = policy.rules.first?.target else { return policy.identity }
            return "\(policy.identity) \(path)"
        }
    }

    @Test func aGoodFileThatGrowsTooLargeKeepsItsLastGoodVersion() throws {
        var library = library()
        library.update(file: "a", text: text(("one", Self.small), ("two", Self.small)))
        #expect(library.update(file: "a", text: text(("one", Self.changed), ("two", Self.large))).isEmpty)
        #expect(shown(library) == ["shop/one /a", "shop/two /a"] && library.fileStates.map(\.state.version) == [.lastGood])
        let problem = try #require(library.problems.first)
        #expect(library.problems.count == 1 && problem.file == "a" && problem.line == 8 && problem.field == "spec")
        #expect(problem.problem.hasPrefix("shop/two: the policy set needs at least ") && problem.problem.contains("shop/two file.matchPatterns[0] (a:"))
        library.update(file: "a", text: text(("one", Self.changed)))
        #expect(shown(library) == ["shop/one /b"] && library.problems.isEmpty)
    }

    @Test func besideOneThatIsTooLargeTheOthersOfANewFileCount() {
        var library = library()
        let contents = text(("one", Self.small), ("two", Self.large), ("three", Self.large), ("four", Self.small))
        #expect(library.update(file: "a", text: contents).added == ["shop/four", "shop/one"])
        #expect(library.problems.map(\.line) == [8, 15] && library.fileStates.map(\.state.version) == [.partial])
        // One that is too large now stays as it was; so does a good file beside.
        library.update(file: "b", text: text(("five", Self.small)))
        #expect(library.update(file: "a", text: text(("one", Self.large), ("four", Self.changed))).changed == ["shop/four"])
        #expect(shown(library) == ["shop/five /a", "shop/four /b", "shop/one /a"] && library.problems.map(\.file) == ["a"])
    }

    @Test func anAppliedTextIsAllOrNothing() {
        var library = library()
        let refused = library.apply(text(("one", Self.small), ("two", Self.large), ("three", Self.large)), name: "x")
        #expect(refused.errors.map(\.line) == [8] && refused.writes.isEmpty && refused.change.isEmpty && library.policies.isEmpty)
        #expect(library.apply(text(("one", Self.small)), name: "x").change.added == ["shop/one"])
        #expect(library.apply(text(("one", Self.large)), name: "x").errors.count == 1 && shown(library) == ["shop/one /a"])
    }

    @Test func aStoredOneThatFitsNoLongerIsAProblem() {
        var library = library()
        library.restore([
            StoredPolicy(identity: "shop/one", file: "stored/one", content: .success(text(("one", Self.large)))),
            StoredPolicy(identity: "shop/two", file: "stored/two", content: .success(text(("two", Self.small)))),
        ])
        #expect(shown(library) == ["shop/two /a"] && library.problems.map(\.file) == ["stored/one"])
    }

    /// What was tried once is not tried again: a library that would refuse it now still takes it from the file that it was in.
    @Test func whatIsTheSameIsNotTriedAgain() {
        let fit = PolicyFit(limits: limits)
        let file = PolicyParser.parse(text(("one", Self.large), ("two", Self.small)), file: "a")
        let old = PolicyFileState(file, after: nil)
        #expect(fit.checked(file, after: old).errors.isEmpty)
        #expect(fit.checked(file, after: nil).errors.count == 1)
        let moved = PolicyParser.parse(Array("\n".utf8) + text(("one", Self.large)), file: "a")
        #expect(fit.checked(moved, after: old).errors.count == 1)
    }
}
