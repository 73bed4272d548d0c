import CABI

/// A set that would exceed a limit of the kernel's table, and what made it so large.
public struct PolicySetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bound that was met.
    public enum Limit: String, Sendable {
        case rules
        case sources = "classes of fromSource executables"
        case states = "states under construction"
        case work = "steps of construction"
        case cells = "cells of 8 bytes"
    }

    /// A rule and its share of what was counted; a whole policy where rules themselves are counted.
    public struct Contributor: Equatable, Sendable, CustomStringConvertible {
        public var policy: String
        public var file: String
        /// Empty for a whole policy.
        public var field: String
        public var line: Int
        public var amount: Int
        /// What `amount` counts.
        public var unit: String

        public var description: String {
            "\(policy)\(field.isEmpty ? "" : " " + field) (\(file):\(line)): \(amount) \(unit)"
        }
    }

    public let limit: Limit
    public let maximum: Int
    /// The size reached when the compiler gave up: at least this much is needed.
    public let reached: Int
    /// Largest first, at most five.
    public let contributors: [Contributor]
    /// Identity of the policy with the largest share: the one to refuse.
    public let policy: String

    public var description: String {
        let first = "the policy set needs at least \(reached) \(limit.rawValue), the limit is \(maximum)"
        guard !contributors.isEmpty else { return first }
        return first + "; policy \(policy) has the largest share; largest contributors: "
            + contributors.map(\.description).joined(separator: "; ")
    }
}

/// What a set may cost. Tests make it small.
struct PolicySetLimits {
    var rules = Int(PC_RULES_MAX)
    var sources = Int(PC_SOURCES_MAX)
    /// Cells of an image, header and padding included.
    var cells = Int(PC_SET_PAGES_MAX) * Int(PC_PAGE_CELLS)
    /// States of one automaton before it is minimised: more than fits the table, fewer than patterns with many `**` can ask for.
    var states = 1 << 20
    /// Nodes put into sets of nodes while one automaton is constructed: a bound on time and memory where the sets are large.
    var work = 1 << 23
}

/// A limit met somewhere in the compiler, before it is known whose rules the numbers are.
struct AutomatonLimit: Error {
    var limit: PolicySetError.Limit
    var maximum: Int
    var reached: Int
    /// Share of each rule, by number in the set.
    var shares: [Int]
    var unit: String
}
