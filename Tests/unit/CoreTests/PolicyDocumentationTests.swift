import Foundation
import Testing

@testable import Core

/// What docs/policies.md shows and lists is what the parser takes.
struct PolicyDocumentationTests {
    private static let text: String = {
        let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return (try? String(contentsOf: tree.appendingPathComponent("docs/policies.md"), encoding: .utf8)) ?? ""
    }()

    /// The YAML blocks in it.
    static let examples: [String] = text.components(separatedBy: "```yaml\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }

    /// The words in its code spans.
    static let words: Set<String> = {
        var words: Set<String> = []
        for (index, span) in text.components(separatedBy: "`").enumerated() where index % 2 == 1 {
            for word in span.split(whereSeparator: { character in !character.isLetter && !character.isNumber && !"-/.".contains(character) }) {
                words.insert(String(word))
                for part in word.split(separator: ".") { words.insert(String(part)) }
            }
        }
        return words
    }()

    @Test func thereAreExamples() { #expect(Self.examples.count >= 6) }

    @Test(arguments: examples)
    func everyExampleIsTakenAsItStands(_ example: String) throws {
        let file = PolicyParser.parse(Array(example.utf8), file: "policies.md", isStrict: true)
        #expect(file.errors.isEmpty && file.warnings.isEmpty && file.policies.count == 1, "\(file.errors) \(file.warnings)")
        let policy = try #require(file.policies.first)
        #expect(PolicyFit().problem(of: policy) == nil && HostHazard(.usual, posture: .block).problem(of: policy) == nil)
    }

    /// Whatever a policy may say is in the reference: fields, annotations, protocols and presets.
    @Test(arguments: [
        "nodeSelector", "matchLabels", "matchExpressions", "matchPaths", "matchDirectories", "matchPatterns", "matchProtocols", "matchDNSQueries", "matchCapabilities", "matchSyscalls",
        "path", "dir", "pattern", "execname", "protocol", "domain", "capability", "syscall", "recursive", "fromSource", "ownerOnly", "readOnly", "pts", "allowedArgs", "severity",
        "tags", "message", "action", PolicyParser.allowMountsAnnotation, PolicyParser.forceAnnotation,
    ] + NetworkProtocol.allCases.map(\.rawValue) + Preset.allCases.map(\.rawValue))
    func everyWordIsExplained(_ word: String) { #expect(Self.words.contains(word), "\(word)") }
}
