import Core
import Testing

@Suite struct PolicyLibraryTests {
    private func text(_ names: String..., spec: String = "file: {matchPaths: [{path: /a}]}") -> [UInt8] {
        Array(names.map { PolicySample.text(name: $0, spec: spec) }.joined(separator: "---\n").utf8)
    }

    private let changedSpec = "file: {matchPaths: [{path: /changed}]}"
    private let broken = Array("a: b: c".utf8)

    /// What is in force: identity, file, and the first rule's path.
    private func shown(_ library: PolicyLibrary) -> [String] {
        library.policies.map { policy in
            guard case .path(let path)? = policy.rules.first?.target else { return "\(policy.identity) \(policy.origin.file)" }
            return "\(policy.identity) \(policy.origin.file) \(path)"
        }
    }

    private func shown(_ change: PolicyChange) -> String {
        (change.added.map { "+" + $0 } + change.changed.map { "~" + $0 } + change.removed.map { "-" + $0 }).joined(separator: " ")
    }

    @Test func filesComeChangeAndGo() {
        var library = PolicyLibrary()
        #expect(shown(library.update(file: "b", text: text("two", "one"))) == "+shop/one +shop/two")
        #expect(library.policies.map(\.identity) == ["shop/one", "shop/two"])
        #expect(library.update(file: "b", text: text("two", "one")).isEmpty)
        #expect(shown(library.update(file: "b", text: text("one", "three", spec: changedSpec))) == "+shop/three ~shop/one -shop/two")
        #expect(shown(library.update(file: "b", text: nil)) == "-shop/one -shop/three")
        #expect(library.update(file: "never", text: nil).isEmpty && library.problems.isEmpty && library.fileStates.isEmpty)
    }

    @Test func aBadVersionLeavesTheLastGoodOneInForce() {
        var library = PolicyLibrary()
        library.update(file: "a", text: text("one", "two"))
        // The first document is good and changed, and yet not taken: a file counts as a whole.
        let half = text("one", spec: changedSpec) + Array("---\n".utf8) + broken
        for bad in [broken, half, Array("kind: x".utf8)] {
            #expect(library.update(file: "a", text: bad).isEmpty)
            #expect(shown(library) == ["shop/one a /a", "shop/two a /a"])
            #expect(library.problems.map(\.file) == ["a"] && library.fileStates.map(\.state.version) == [.lastGood])
        }
        #expect(library.update(file: "a", unreadable: "permission denied").isEmpty)
        #expect(library.problems.map(\.description) == ["a:1:1: permission denied"])
        #expect(shown(library.update(file: "a", text: text("two", spec: changedSpec))) == "~shop/two -shop/one")
        #expect(library.problems.isEmpty && library.fileStates.map(\.state.version) == [.newest])
        // Emptied is not broken.
        #expect(shown(library.update(file: "a", text: [])) == "-shop/two")
    }

    @Test func ofAFileThatWasNeverWholeTheGoodDocumentsCount() {
        var library = PolicyLibrary()
        let tail = Array("---\nkind: x\n".utf8)
        #expect(shown(library.update(file: "a", text: text("one") + tail)) == "+shop/one")
        #expect(library.fileStates.map(\.state.version) == [.partial])
        // What was read before and cannot be now is kept; what can be is the newer.
        #expect(shown(library.update(file: "a", text: text("two") + tail)) == "+shop/two")
        #expect(shown(library.update(file: "a", text: text("one", spec: changedSpec) + tail)) == "~shop/one")
        #expect(shown(library) == ["shop/one a /changed", "shop/two a /a"])
        #expect(shown(library.update(file: "a", text: text("one"))) == "~shop/one -shop/two")
    }

    @Test func ofTwoFilesWithOnePolicyTheFirstByNameCounts() {
        var library = PolicyLibrary()
        library.update(file: "b", text: text("one", spec: changedSpec))
        #expect(shown(library.update(file: "a", text: text("one"))) == "~shop/one")
        #expect(library.problems.map(\.description) == ["b:1:1: metadata.name: shop/one is defined at a:1 already, which stays in force"])
        #expect(shown(library.update(file: "a", text: nil)) == "~shop/one")
        #expect(library.problems.isEmpty && shown(library) == ["shop/one b /changed"])
    }

    @Test func manyFilesAtOnceAreAsOneAfterTheOther() {
        let contents: [(file: String, text: [UInt8]?)] = [("c", text("one")), ("a", text("one", "two")), ("b", broken), ("c", nil),
        ("d", text("x"))]
        var together = PolicyLibrary()
        #expect(shown(together.update(contents)) == "+shop/one +shop/two +shop/x")
        var single = PolicyLibrary()
        for (file, text) in contents { single.update(file: file, text: text) }
        #expect(together.policies == single.policies && together.problems == single.problems)
    }

    @Test func selectsByNamespaceAndLabels() {
        var library = PolicyLibrary()
        let other = PolicySample.text(name: "three", namespace: "other")
        let tier = PolicySample.text(name: "two", labels: "tier: x")
        library.update(file: "a", text: Array([other, tier, PolicySample.text(name: "one")].joined(separator: "---\n").utf8))
        func selected(_ namespace: String, _ labels: [String: String]) -> [String] {
            library.selected(for: ContainerLabels(namespace: namespace, containerName: "c", labels: labels)).map(\.identity)
        }
        #expect(selected("shop", ["app": "web"]) == ["shop/one"])
        #expect(selected("shop", ["app": "web", "tier": "x"]) == ["shop/one", "shop/two"])
        #expect(selected("other", ["app": "web", "tier": "x"]) == ["other/three"])
        #expect(selected("third", ["app": "web"]).isEmpty && selected("shop", [:]).isEmpty)
        for policy in library.policies { #expect(library.policy(policy.identity) == policy) }
        #expect(library.policy("shop/none") == nil && PolicyLibrary().policy("shop/one") == nil)
    }

    @Test func warningsAreKeptAsLongAsTheirVersion() {
        var library = PolicyLibrary()
        library.update(file: "a", text: text("one", spec: "network: {}"))
        #expect(library.warnings.map(\.field) == ["spec.network"])
        library.update(file: "a", text: text("one"))
        #expect(library.warnings.isEmpty)
    }
}
