import Foundation
import Testing

@testable import Core

/// KubeArmor's own example and test policies, where a copy of them is at hand.
@Suite(.enabled(if: PolicyCorpus.directory != nil, "PORTCULLIS_POLICY_CORPUS names no directory of KubeArmor policies"))
struct PolicyParserCorpusTests {
    @Test func everyPolicyIsReadOrRefusedForAReason() {
        var parsed = 0
        var refused = 0
        var ignored = 0
        var warned = 0
        var reasons: [String: [String]] = [:]
        for (name, text) in PolicyCorpus.files {
            let file = PolicyParser.parse(text, file: name)
            parsed += file.policies.count
            warned += file.policies.isEmpty || file.warnings.isEmpty ? 0 : 1
            ignored += file.warnings.count { $0.problem.contains("not supported yet: ignored") }
            refused += file.errors.isEmpty ? 0 : 1
            #expect(!file.policies.isEmpty || !file.errors.isEmpty || !file.warnings.isEmpty, "\(name) gave nothing at all")
            for policy in file.policies { #expect(PolicyFit().problem(of: policy) == nil) }
            for problem in file.errors { reasons["refused: \(generic(problem))", default: []].append("\(problem)") }
            for problem in file.warnings { reasons["warned: \(generic(problem))", default: []].append("\(problem)") }
        }
        print("policy corpus: \(PolicyCorpus.files.count) files, \(parsed) policies read (\(warned) with warnings), \(refused) refused, \(ignored) ignored")
        for (reason, places) in reasons.sorted(by: { $0.key < $1.key }) {
            print("  \(places.count) \(reason)\n      \(places.prefix(3).joined(separator: "\n      "))")
        }
        #expect(parsed > 0)
    }

    /// A problem without what is particular to its file.
    private func generic(_ problem: PolicyProblem) -> String {
        let field = problem.field.replacing(/\[\d+\]/, with: "[]")
        return "\(field): \(problem.problem.replacing(/^(KubeArmor\w+|\/\S*)/, with: "…"))"
    }
}

enum PolicyCorpus {
    /// Set by `make test` if there is one; empty or missing: none.
    static let directory = ProcessInfo.processInfo.environment["PORTCULLIS_POLICY_CORPUS"].flatMap { $0.isEmpty ? nil : $0 }

    /// Every YAML file below the directory, by its path in it.
    static let files: [(name: String, text: [UInt8])] = {
        guard let directory, let names = FileManager.default.enumerator(atPath: directory) else { return [] }
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") }.sorted().compactMap { name in
            FileManager.default.contents(atPath: directory + "/" + name).map { (name, Array($0)) }
        }
    }()
}
