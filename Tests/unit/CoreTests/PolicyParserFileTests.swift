import Core
import Foundation
import Testing

/// Several documents, and texts that are no YAML at all: what is good stays, what is bad says where.
@Suite struct PolicyParserFileTests {
    private func sample(_ name: String) -> String { PolicySample.text(name: name) }

    private func parse(_ text: String) -> (names: [String], errors: [String]) {
        let file = PolicySample.parse(text)
        return (file.policies.map(\.name), file.errors.map(\.description))
    }

    @Test func aBadDocumentLeavesTheOthers() {
        for bad in ["kind: Nonsense", "a: &x 1\nb: *x", "a: 1\na: 2", String(repeating: "[", count: 100) + String(repeating: "]", count: 100), "- 1", "5"] {
            let (names, errors) = parse([sample("one"), bad + "\n", sample("two")].joined(separator: "---\n"))
            #expect(names == ["one", "two"] && errors.count == 1, "\(bad): \(errors)")
        }
    }

    @Test func afterASyntaxErrorWhatStoodBeforeItStays() {
        let (names, errors) = parse([sample("one"), sample("two"), "a: b: c\n", sample("three")].joined(separator: "---\n"))
        #expect(names == ["one", "two"])
        #expect(errors.count == 1 && errors[0].hasPrefix("p.yaml:15:") && errors[0].hasSuffix("(nothing from here on can be read)"), "\(errors)")
    }

    @Test(arguments: [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
    func bytesThatAreNoUTF8AreRefusedWithTheirLine(_ bytes: [UInt8]) {
        let second = Array(sample("two").replacing("web", with: "w").utf8)
        let text = Array((sample("one") + "---\n").utf8) + second + Array("# ".utf8) + bytes + Array("\n---\n\(sample("three"))".utf8)
        let file = PolicyParser.parse(text, file: "p.yaml")
        #expect(file.policies.map(\.name) == ["one"])
        #expect(file.errors.map(\.problem) == ["is not UTF-8 (nothing from here on can be read)"] && file.errors.map(\.line) == [14])
        #expect(file.errors.first?.column == 3)
    }

    @Test func aCutTextNeverBecomesAnotherPolicy() {
        // The line before the bad byte looks like a marker and is none: the document must not be cut there.
        let text = Array(sample("one").utf8) + Array("---x: y\n".utf8) + [0xFF]
        #expect(PolicyParser.parse(text, file: "p.yaml").policies.isEmpty)
        let windows = Array(sample("one").replacing("\n", with: "\r\n").utf8) + Array("---\r\n".utf8) + [0xFF]
        #expect(PolicyParser.parse(windows, file: "p.yaml").policies.map(\.name) == ["one"])
    }

    @Test func emptyDocumentsAreNothing() {
        for text in ["", "# only a comment\n", "---\n---\n", "---\n# a\n---\n~\n"] {
            let (names, errors) = parse(text)
            #expect(names.isEmpty && errors.isEmpty, "\(errors)")
        }
        #expect(parse("---\n\(sample("one"))...\n---\n").names == ["one"])
    }

    @Test func oneNameTwiceInAFileNamesBothPlaces() {
        let (names, errors) = parse([sample("one"), sample("two"), sample("one")].joined(separator: "---\n"))
        #expect(names == ["one", "two"])
        #expect(errors == ["p.yaml:15:1: metadata.name: shop/one is defined at p.yaml:1 already"])
    }

    @Test func theLineIsRightBelowCommentsAndMarkers() {
        let file = PolicySample.parse("# a\n\n---\n# b\n\(sample("one"))---\n\n\(sample("two"))")
        #expect(file.policies.map(\.origin.line) == [5, 13])
        #expect(file.policies.map { $0.rules.map(\.line) } == [[10], [18]])
    }

    @Test func bounds() {
        let documents = PolicySample.parse((0...PolicyParser.documentLimit).map { sample("p\($0)") }.joined(separator: "---\n"))
        #expect(documents.policies.count == PolicyParser.documentLimit)
        #expect(documents.errors.count == 1 && documents.errors.first?.problem.contains("more than 1000 documents") == true)
        let big = PolicyParser.parse([UInt8](repeating: UInt8(ascii: " "), count: PolicyParser.fileLimit + 1), file: "p.yaml")
        #expect(big.errors.map(\.description) == ["p.yaml:1:1: the file has more than 4 MiB"])
        func rules(_ count: Int) -> PolicyFile {
            PolicySample.parse(sample("p") + "  file: {matchPaths: [" + String(repeating: "{path: /a},", count: count) + "]}\n")
        }
        #expect(rules(PolicyParser.ruleLimit - 1).policies.count == 1)
        #expect(rules(PolicyParser.ruleLimit).errors.map(\.problem) == ["10001 rules; a policy has at most 10000"])
    }

    @Test func textThatExplodesIsRefusedQuickly() {
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1..<50 { bomb += "a\(level): &a\(level) [\(String(repeating: "*a\(level - 1),", count: 10))]\n" }
        let (names, errors) = parse(sample("one") + "---\n" + bomb + "---\n" + sample("two"))
        #expect(names == ["one", "two"] && errors.count == 1 && errors[0].contains("aliases"), "\(errors)")
    }

    /// Texts that would keep libyaml, or us, busy for minutes.
    @Test(.timeLimit(.minutes(1)), arguments: ["[", "? ", "- ", "{a: ", "'a\n", "#\n", " ", "- a\n", "a,"])
    func noTextTakesLong(_ piece: String) {
        let file = PolicySample.parse(sample("one") + "---\n" + String(repeating: piece, count: 1_000_000 / piece.utf8.count))
        #expect(file.policies.map(\.name) == ["one"] && file.errors.count <= 2, "\(file.errors)")
    }

    @Test(.timeLimit(.minutes(1))) func manyUnknownFieldsDoNotTakeLong() {
        let file = PolicySample.parse(PolicySample.text() + (0..<100_000).map { "  f\($0): 1\n" }.joined())
        #expect(file.warnings.count == PolicyParser.problemLimit + 1 && file.policies.count == 1)
    }

    @Test func theExampleInTheDocumentationIsAPolicy() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/policies.md")
        let text = try String(contentsOf: root, encoding: .utf8)
        let example = try #require(text.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first)
        let file = PolicySample.parse(example)
        #expect(file.errors.isEmpty && file.warnings.isEmpty, "\(file)")
        #expect(file.policies.first?.rules.map(\.action) == [.block, .block, .audit, .block])
    }
}
