import CABI

/// A rule as decisions see it: how it ranks against others that match the same path, for whom, and with what outcome.
struct RankedRule {
    /// Larger wins: own sources, then path over name over directory or pattern, then depth, then pattern over directory; of sockets the
    /// protocol over the type over `all`.
    let rank: UInt64
    let action: PolicyAction
    let ownerOnly: Bool
    let readOnly: Bool
    let withoutTerminal: Bool
    /// Who has allowed arguments only.
    let hasArguments: Bool
    /// Bit for each source class that the rule is for.
    let sources: UInt64

    init(_ rule: PolicyRule, sources: UInt64) {
        let kind: UInt64
        var detail: UInt64 = 0
        switch rule.target {
        case .path: kind = 2
        case .executableName: kind = 1
        case .capability: kind = 2
        case .socket(let word):
            kind = 0
            detail = word.specificity
        case .domain(let name):
            kind = 0
            detail = DomainName.depth(name)
        case .preset: kind = 2
        case .systemCall(_, let place):
            switch place {
            case .anywhere: kind = 0
            case .path: kind = 2
            case .directory(let directory, _):
                kind = 1
                detail = UInt64(directory.utf8.count { $0 == 0x2f })
            }
        case .directory(let directory, _):
            kind = 0
            detail = UInt64(directory.utf8.count { $0 == 0x2f }) << 1
        case .pattern(let glob):
            kind = 0
            detail = UInt64(glob.literalDepth) << 1 | 1
        }
        rank = (rule.sources.isEmpty ? 0 : 1) << 40 | kind << 32 | detail
        action = rule.action
        ownerOnly = rule.ownerOnly
        // Running a file does not change it.
        readOnly = rule.readOnly && rule.section == .file
        withoutTerminal = rule.withoutTerminal
        hasArguments = !rule.allowedArguments.isEmpty
        self.sources = sources
    }

    /// `byArguments`: allowed if the rule allows all of the exec's arguments, else blocked.
    enum Outcome { case allow, block, blockAsReadOnly, byArguments }

    /// Who accesses, and how.
    struct Access {
        let owner: Bool
        let write: Bool
        let terminal: Bool
    }

    /// What an Allow or Block rule says of an access; nil where it says nothing and lower ranks decide.
    func outcome(_ access: Access) -> Outcome? {
        switch action {
        case .audit: return nil
        case .allow:
            if withoutTerminal && access.terminal { return .block }
            if ownerOnly && !access.owner { return .block }
            if hasArguments { return .byArguments }
            return readOnly && access.write ? .blockAsReadOnly : .allow
        case .block:
            if withoutTerminal && !access.terminal { return nil }
            if ownerOnly && !access.owner { return .block }
            if hasArguments { return .byArguments }
            if readOnly { return access.write ? .blockAsReadOnly : ownerOnly ? .allow : nil }
            return ownerOnly ? .allow : .block
        }
    }

    /// Whether an Audit rule wants the access reported; one with arguments that it does not allow, where `hasArguments`.
    func reports(_ access: Access) -> Bool {
        guard action == .audit, !withoutTerminal || access.terminal else { return false }
        switch (ownerOnly, readOnly) {
        case (false, false): return true
        case (true, false): return !access.owner
        case (false, true): return access.write
        case (true, true): return !access.owner || access.write
        }
    }
}

extension Glob {
    /// Components before the first one that holds anything but plain bytes; all of them if none does.
    fileprivate var literalDepth: Int {
        var components = 0
        var depth = 0
        for element in elements {
            guard case .byte(let byte) = element else { return depth }
            if byte == 0x2f {
                depth = components
                components += 1
            }
        }
        return components
    }
}
