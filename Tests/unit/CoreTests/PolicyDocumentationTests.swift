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

    @Test func thereAreExamples() { #expect(Self.examples.count >= 6) }

    @Test(arguments: examples)
    func everyExampleIsTakenAsItStands(_ example: String) throws {
        let file = PolicyParser.parse(Array(example.utf8), file: "policies.md", isStrict: true)
        #expect(file.errors.isEmpty && file.warnings.isEmpty && file.policies.count == 1, "\(file.errors) \(file.warnings)")
        let policy = try #require(file.policies.first)
        #expect(PolicyFit().problem(of: policy) == nil && HostHazard(.usual, posture: .block).problem(of: policy) == nil)
    }

    /// Whatever a policy may say is in the reference; a word that is added to the parser fails here until it is.
    @Test(arguments: [
        "nodeSelector", "matchLabels", "matchExpressions", "matchPaths", "matchDirectories", "matchPatterns", "matchProtocols", "matchDNSQueries", "matchCapabilities", "matchSyscalls",
        "path", "dir", "pattern", "execname", "protocol", "domain", "capability", "syscall", "recursive", "fromSource", "ownerOnly", "readOnly", "pts", "allowedArgs", "severity",
        "tags", "message", "action", PolicyParser.allowMountsAnnotation, PolicyParser.forceAnnotation,
    ] + NetworkProtocol.allCases.map(\.rawValue) + Preset.allCases.map(\.rawValue))
    func everyWordIsExplained(_ word: String) { #expect(Self.text.contains("`\(word)") || Self.text.contains("\(word)`") || Self.text.contains("\"\(word)\""), "\(word)") }
}
