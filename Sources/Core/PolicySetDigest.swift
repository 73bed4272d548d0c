/// A number for the content of a compiled set, the same in every run: whoever has the set already need not have it twice.
struct PolicySetDigest {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    static func digest(_ input: PolicySetInput, cells: [UInt64], flags: UInt32) -> UInt64 {
        var digest = PolicySetDigest()
        digest.add(UInt64(flags))
        for section in PolicyRule.Section.allCases { digest.add(input.posture[section].rawValue) }
        digest.add(UInt64(cells.count))
        for cell in cells { digest.add(cell) }
        for policy in input.policies {
            digest.add(policy.namespace)
            digest.add(policy.name)
            digest.add(UInt64(policy.rules.count))
            for rule in policy.rules { digest.add(rule) }
        }
        return digest.state
    }

    /// What an alert may say of a rule. Where the policy stands is not part of it: a file that is moved changes nothing.
    private mutating func add(_ rule: PolicyRule) {
        add(rule.section.rawValue)
        switch rule.target {
        case .path(let text): add("path"); add(text)
        case .directory(let text, let recursive): add(recursive ? "below" : "in"); add(text)
        case .pattern(let glob): add("pattern"); add(glob.text)
        case .executableName(let text): add("name"); add(text)
        case .socket(let word): add("socket"); add(word.rawValue)
        case .capability(let capability): add("capability"); add(capability.name)
        case .domain(let name): add("domain"); add(name)
        case .preset(let preset): add("preset"); add(preset.rawValue)
        case .systemCall(let call, _): add("call"); add(call.name)
        }
        add(rule.action.rawValue)
        add(rule.field)
        add(UInt64(bitPattern: Int64(rule.severity)))
        add(UInt64(rule.tags.count))
        for tag in rule.tags { add(tag) }
        add(rule.message)
    }

    /// With its length, so that no two sequences of texts run together.
    private mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        var word: UInt64 = 0
        for (index, byte) in text.utf8.enumerated() {
            word = word << 8 | UInt64(byte)
            if index & 7 == 7 { add(word) }
        }
        add(word)
    }

    private mutating func add(_ word: UInt64) {
        let product = (state ^ word) &* 0x9e37_79b9_7f4a_7c15
        state = product ^ product >> 29
    }
}
