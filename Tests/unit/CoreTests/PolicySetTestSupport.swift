import CABI
import Testing

@testable import Core

extension Policy {
    init(_ name: String = "p", _ rules: PolicyRule...) {
        self.init(name: name, namespace: "n", selector: PolicySelector(), rules: rules, origin: Origin(file: "f.yaml", line: 1))
    }
}

extension PolicyRule {
    static func file(_ action: PolicyAction, _ target: Target, sources: [Source] = [], ownerOnly: Bool = false, readOnly: Bool = false) -> PolicyRule {
        PolicyRule(section: .file, target: target, sources: sources, ownerOnly: ownerOnly, readOnly: readOnly, action: action)
    }
    static func process(_ action: PolicyAction, _ target: Target, sources: [Source] = [], ownerOnly: Bool = false) -> PolicyRule {
        PolicyRule(section: .process, target: target, sources: sources, ownerOnly: ownerOnly, action: action)
    }
}

/// A compiled set and its image, asked by path.
struct Compiled {
    let set: CompiledPolicySet
    let image: PolicySetImage

    init(_ policies: [Policy], posture: Posture = .audit, limits: PolicySetLimits = PolicySetLimits()) throws {
        set = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: Postures(posture)), limits: limits)
        image = try #require(PolicySetImage(cells: set.cells))
    }

    init(_ rules: PolicyRule..., posture: Posture = .audit) throws {
        var policy = Policy("p")
        policy.rules = rules
        try self.init([policy], posture: posture)
    }

    /// `allow`, `audit 3`, `block 2`, `block 1 readOnly`: what happens and the rule that says so.
    func says(_ section: PolicyRule.Section, _ path: String, by source: String = "/bin/any", owner: Bool = false, write: Bool = false) -> String {
        let sourceClass = image.sourceClass(path: source.utf8)
        let decision = image.decision(automaton: section, path: path.utf8, source: sourceClass, owner: owner, write: write)
        return "\(decision.action)" + (decision.rule.map { " \($0)" } ?? "") + (decision.isReadOnly ? " readOnly" : "")
    }
}
