import CABI

/// Compiles the policies of a set into the image that the kernel walks: rules to tries, tries to automata, those to cells.
public enum PolicySetCompiler {
    public static func compile(_ input: PolicySetInput) throws(PolicySetError) -> CompiledPolicySet {
        try compile(input, limits: PolicySetLimits())
    }

    static func compile(_ input: PolicySetInput, limits: PolicySetLimits) throws(PolicySetError) -> CompiledPolicySet {
        let references = input.policies.enumerated().flatMap { number, policy in
            policy.rules.indices.map { PolicySetRule(policy: number, rule: $0) }
        }
        let rules = input.policies.flatMap(\.rules)
        do {
            let flags = PolicySetFlags.flags(of: input)
            var builder = try PolicySetBuilder(rules, input.posture, limits)
            let (cells, statistics) = try builder.build()
            let digest = PolicySetDigest.digest(input, cells: cells, flags: flags)
            return CompiledPolicySet(
                policies: input.policies, rules: references, posture: input.posture, flags: flags, cells: cells, digest: digest,
                statistics: statistics)
        } catch {
            throw PolicySetError(error, input.policies, references)
        }
    }
}

extension PolicyRule {
    /// Whether the rule itself denies something, and not only the posture behind it.
    fileprivate var canBlock: Bool {
        switch action {
        case .audit: false
        case .block: true
        case .allow: ownerOnly || readOnly || withoutTerminal || !allowedArguments.isEmpty
        }
    }
}

/// What a set contains, told to the kernel apart from the image.
enum PolicySetFlags {
    static func flags(of input: PolicySetInput) -> UInt32 {
        var flags: UInt32 = 0
        func set(_ flag: pc_set_flag, if condition: Bool) { if condition { flags |= flag.rawValue } }
        let rules = input.policies.flatMap(\.rules)
        let process = rules.filter { $0.section == .process }
        let file = rules.filter { $0.section == .file }
        func has(_ section: [PolicyRule], _ action: PolicyAction) -> Bool { section.contains { $0.action == action } }
        for section in PolicyRule.Section.allCases {
            let own = rules.filter { $0.section == section }
            set(section.flags.any, if: !own.isEmpty)
            set(section.flags.strict, if: own.contains(where: \.canBlock) || (has(own, .allow) && input.posture[section] == .block))
        }
        set(PC_SET_PROCESS_BLOCKS, if: process.contains(where: \.canBlock))
        set(PC_SET_READ_ONLY, if: file.contains { $0.readOnly && $0.action != .audit })
        set(PC_SET_MOUNTS, if: input.policies.contains(where: \.allowsMounts))
        set(PC_SET_PROCESS_ALLOWS, if: has(process, .allow))
        set(PC_SET_SOURCES, if: rules.contains { !$0.sources.isEmpty })
        set(PC_SET_OWNERS, if: rules.contains(where: \.ownerOnly))
        return flags
    }
}
