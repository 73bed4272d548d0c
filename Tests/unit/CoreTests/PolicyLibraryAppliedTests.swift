import Core
import Testing

@Suite struct PolicyLibraryAppliedTests {
    private func sample(_ name: String, _ path: String = "/a") -> String {
        PolicySample.text(name: name, spec: "file: {matchPaths: [{path: \(path)}]}")
    }

    private func bytes(_ texts: String...) -> [UInt8] { Array(texts.joined(separator: "---\n").utf8) }

    @Test func appliesAllAndSaysWhatToStore() throws {
        var library = PolicyLibrary()
        let applied = library.apply(bytes("# mine\n" + sample("two"), sample("one", "/é")), name: "mine.yaml")
        #expect(applied.errors.isEmpty && applied.change.added == ["shop/one", "shop/two"])
        #expect(applied.writes.map(\.identity) == ["shop/two", "shop/one"])
        // What is stored gives the same policies to the next daemon, but for their place.
        var next = PolicyLibrary()
        for write in applied.writes { next.restore(write.identity, try #require(write.text), name: "mine.yaml") }
        #expect(next.problems.isEmpty && next.policies.map(\.identity) == ["shop/one", "shop/two"])
        #expect(next.policies.map { $0.rules.map(\.target) } == library.policies.map { $0.rules.map(\.target) })
        #expect(String(decoding: try #require(applied.writes[0].text), as: UTF8.self).hasPrefix("# mine\napiVersion"))
        #expect(String(decoding: try #require(applied.writes[1].text), as: UTF8.self) == "---\n" + sample("one", "/é"))
    }

    @Test(arguments: ["\u{FEFF}", "%YAML 1.1\n---\n", "# é\r\n", "\u{85}"])
    func whatIsStoredIsWholeWhateverStandsAround(_ start: String) throws {
        var library = PolicyLibrary()
        let indented = sample("two", "/é").split(separator: "\n").map { "  " + $0 + "\r\n" }.joined()
        let text = Array((start + sample("one", "/日本") + "---\r\n" + indented + "...\n%YAML 1.1\n--- # x\n" + sample("three")).utf8)
        let applied = library.apply(text, name: "x")
        #expect(applied.errors.isEmpty, "\(applied.errors)")
        #expect(applied.writes.flatMap { $0.text ?? [] } == text)
        #expect(applied.writes.map { $0.text?.prefix(5) }.dropFirst() == [Array("---\r\n".utf8)[...], Array("%YAML".utf8)[...]])
        var next = PolicyLibrary()
        for write in applied.writes { next.restore(write.identity, try #require(write.text), name: "x") }
        #expect(next.problems.isEmpty, "\(next.problems)")
        #expect(next.policies.map { $0.rules.map(\.target) } == library.policies.map { $0.rules.map(\.target) })
    }

    @Test func appliesAgainAndDeletes() throws {
        var library = PolicyLibrary()
        _ = library.apply(bytes(sample("one"), sample("two")), name: "x")
        let again = library.apply(bytes(sample("two", "/b")), name: "y")
        #expect(again.change.changed == ["shop/two"] && again.change.added.isEmpty && again.change.removed.isEmpty)
        let deleted = try library.delete("shop/two")
        #expect(deleted.change.removed == ["shop/two"])
        #expect(deleted.writes.map(\.identity) == ["shop/two"] && deleted.writes.map(\.text) == [nil])
        #expect(throws: PortcullisError.self) { _ = try library.delete("shop/two") }
        #expect(library.policies.map(\.identity) == ["shop/one"])
    }

    @Test func aTextWithAnErrorChangesNothing() {
        var library = PolicyLibrary()
        for (text, problem) in [
            (bytes(sample("one"), "kind: x\n"), "no policy"), (bytes(sample("one"), sample("one")), "is defined at x:1 already"),
            ([], "there is no policy in it"),
            (bytes("kind: KubeArmorNetworkPolicy\n"), "there is no policy in it"),
        ] {
            let result = library.apply(text, name: "x")
            #expect(result.errors.count == 1 && result.errors.first?.problem.contains(problem) == true, "\(result.errors)")
            #expect(result.writes.isEmpty && result.change.isEmpty && library.policies.isEmpty)
        }
    }

    @Test func aFilesDefinitionGoesFirst() throws {
        var library = PolicyLibrary()
        library.update(file: "a", text: bytes(sample("one")))
        let refused = library.apply(bytes(sample("one", "/b"), sample("two")), name: "x")
        #expect(refused.errors.map(\.description) == ["x:1:1: metadata.name: shop/one is defined at a:1 already, which stays in force"])
        #expect(refused.writes.isEmpty && library.policies.map(\.identity) == ["shop/one"])
        #expect(throws: PortcullisError(.conflict, "the policy shop/one is defined at a:1: it must be taken out there")) {
            _ = try library.delete("shop/one")
        }
        // The file came later: the applied one waits, and can be deleted.
        _ = library.apply(bytes(sample("two", "/b")), name: "x")
        #expect(library.update(file: "b", text: bytes(sample("two"))).changed == ["shop/two"])
        #expect(library.problems.map(\.file) == ["x"])
        #expect(try library.delete("shop/two").change.isEmpty)
        #expect(library.problems.isEmpty && library.policies.map(\.origin.file) == ["a", "b"])
    }

    @Test func whatCannotBeRestoredIsAProblemUntilItIsReplaced() throws {
        var library = PolicyLibrary()
        for (text, problem) in [(bytes("a: b: c"), "mapping values"), (bytes(sample("two")), "expected the policy shop/one"),
        (bytes(), "expected the policy")] {
            #expect(library.restore("shop/one", text, name: "stored").isEmpty)
            #expect(library.problems.count == 1 && library.problems.first?.problem.contains(problem) == true, "\(library.problems)")
        }
        #expect(library.apply(bytes(sample("one")), name: "x").errors.isEmpty && library.problems.isEmpty)
        library.restore("shop/three", bytes("a: b: c"), name: "stored")
        #expect(try library.delete("shop/three").writes.map(\.text) == [nil])
        #expect(library.problems.isEmpty)
    }

    @Test func warningsBelongToTheirOwnDocument() throws {
        var library = PolicyLibrary()
        let warned = PolicySample.text(name: "two", spec: "network: {}")
        let result = library.apply(bytes(sample("one"), warned, sample("three")), name: "x")
        #expect(result.warnings.count == 1 && library.warnings.map(\.field) == ["spec.network"])
        _ = try library.delete("shop/one")
        _ = try library.delete("shop/three")
        #expect(library.warnings.count == 1)
        _ = try library.delete("shop/two")
        #expect(library.warnings.isEmpty)
    }

    @Test func appliedPoliciesHaveABound() {
        var library = PolicyLibrary()
        let batch = 500
        let text = { (start: Int) in Array((start..<start + batch).map { self.sample("p\($0)") }.joined(separator: "---\n").utf8) }
        for start in stride(from: 0, to: PolicyLibrary.appliedLimit, by: batch) { #expect(library.apply(text(start), name: "x").errors.isEmpty) }
        #expect(library.apply(bytes(sample("more")), name: "x").errors.map(\.problem) == ["more than 10000 applied policies"])
        #expect(library.apply(bytes(sample("p1", "/b")), name: "x").change.changed == ["shop/p1"])
    }
}
