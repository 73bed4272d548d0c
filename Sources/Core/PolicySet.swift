import CABI

/// The policies that apply to a container together, in a canonical order (sorted by identity), so that the same policies give the
/// same set whichever came first.
public struct PolicySetInput: Equatable, Sendable {
    public var policies: [Policy]
    public var posture: Postures

    public init(policies: [Policy], posture: Postures) {
        self.policies = policies
        self.posture = posture
    }
}

/// Which rule a number in a decision stands for.
public struct PolicySetRule: Equatable, Sendable {
    /// Index in `CompiledPolicySet.policies`.
    public var policy: Int
    /// Index in that policy's `rules`.
    public var rule: Int

    public init(policy: Int, rule: Int) {
        self.policy = policy
        self.rule = rule
    }
}

/// A policy set as the kernel takes it. docs/automaton.md describes the image.
public struct CompiledPolicySet: Sendable {
    public let policies: [Policy]
    /// A rule's number in a decision is its index here.
    public let rules: [PolicySetRule]
    public let posture: Postures
    /// Bits of `pc_set_flag`.
    public let flags: UInt32
    /// The image: header first, its generation left 0, in whole pages of PC_PAGE_CELLS, zero at the end.
    public let cells: [UInt64]
    /// Of the image, of what alerts say of the rules, and of the posture. Equal input gives an equal digest in every run; whoever
    /// shares a set because its digest is known compares the input as well.
    public let digest: UInt64
    public let statistics: PolicySetStatistics

    /// The rule that a decision names; nil for PC_RULE_NONE and for a number that is not of this set.
    public func rule(_ number: UInt32) -> (policy: Policy, rule: PolicyRule)? {
        guard number < rules.count else { return nil }
        let reference = rules[Int(number)]
        let policy = policies[reference.policy]
        return (policy, policy.rules[reference.rule])
    }
}

/// What a compiled set is made of.
public struct PolicySetStatistics: Equatable, Sendable {
    /// States of the five automata, the dead one not counted.
    public var states = 0
    /// States before minimisation.
    public var constructedStates = 0
    /// Cells that hold a transition.
    public var transitions = 0
    /// Classes of bytes.
    public var classes = 0
    /// Rows of decisions, the four of the postures included.
    public var rows = 0
    /// Classes of acting executables, "any other" included.
    public var sources = 0
    /// Bytes of the image that hold something; the last page is filled up beyond.
    public var usedBytes = 0

    public init() {}
}
