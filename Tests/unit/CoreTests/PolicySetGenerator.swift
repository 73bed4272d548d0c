import Core

/// Numbers from a seed, the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ array: [Element]) -> Element { array[below(array.count)] }
}

/// Makes rule sets whose rules get in each other's way, and paths near what they name.
struct PolicySetGenerator {
    var random: SeededGenerator
    /// Few names, of few letters, so that rules meet.
    private let names = ["a", "b", "ab", "ba", "abc", "c", "usr", "us", "x.conf", "é"]

    /// Whether process rules allow arguments only.
    var hasArguments = false

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func policies() -> [Policy] {
        (0..<1 + random.below(3)).map { number in
            var policy = Policy("p\(number)")
            policy.rules = (0..<1 + random.below(7)).map { _ in rule() }
            return policy
        }
    }

    mutating func rule() -> PolicyRule {
        let section: PolicyRule.Section = random.chance(40) ? .process : .file
        var rule = PolicyRule(
            section: section, target: target(section), sources: random.chance(30) ? (0..<1 + random.below(2)).map { _ in source() } : [],
            ownerOnly: random.chance(20), readOnly: random.chance(25), action: random.pick([.allow, .block, .block, .audit]))
        rule.withoutTerminal = random.chance(10)
        let takesArguments = switch rule.target {
        case .path, .executableName: hasArguments && section == .process
        default: false
        }
        if takesArguments, random.chance(60) { rule.allowedArguments = Array(Self.arguments.prefix(1 + random.below(3))) }
        return rule
    }

    static let arguments = ["-m", "", "/a/b", "é", "-m x"]

    /// Some that rules allow, and some that they do not; also none.
    mutating func someArguments() -> [String] { (0..<random.below(4)).map { _ in random.pick(Self.arguments) } }

    mutating func source() -> PolicyRule.Source {
        random.chance(60) ? .path(path(2)) : .directory(random.chance(15) ? "" : path(2), recursive: random.chance(50))
    }

    private mutating func target(_ section: PolicyRule.Section) -> PolicyRule.Target {
        switch random.below(10) {
        case 0, 1: return .path(random.chance(10) ? "memfd:" + random.pick(names) : path(4))
        case 2, 3, 4: return .directory(random.chance(10) ? "" : path(3), recursive: random.chance(50))
        case 5 where section == .process: return .executableName(random.pick(names))
        default: return .pattern(Glob(text: "", elements: elements()))
        }
    }

    private mutating func path(_ depth: Int) -> String {
        (0..<1 + random.below(depth)).map { _ in "/" + random.pick(names) }.joined()
    }

    private mutating func elements() -> [Glob.Element] {
        if random.chance(5) { return bytes("memfd:") + piece(0) }
        var result: [Glob.Element] = []
        for _ in 0..<1 + random.below(4) {
            result.append(.byte(UInt8(ascii: "/")))
            for _ in 0..<1 + random.below(2) { result += piece(0) }
        }
        return result
    }

    private mutating func piece(_ nesting: Int) -> [Glob.Element] {
        switch random.below(nesting < 2 ? 16 : 14) {
        case 0, 1: return [.withinComponent]
        case 2, 3: return [.acrossComponents]
        case 4: return [.set(set())]
        case 5: return [.withinComponent] + bytes(random.pick(names))
        case 6: return bytes(random.pick(names)) + [.withinComponent]
        case 14, 15:
            return [.alternatives((0..<1 + random.below(3)).map { _ in
                switch random.below(8) {
                case 0: []
                case 1: bytes("/") + piece(nesting + 1)
                case 2: piece(nesting + 1) + piece(nesting + 1)
                default: piece(nesting + 1)
                }
            })]
        default: return bytes(random.pick(names))
        }
    }

    private func bytes(_ text: String) -> [Glob.Element] { text.utf8.map { .byte($0) } }

    private mutating func set() -> ByteSet {
        let chosen = (0..<1 + random.below(3)).map { _ in random.pick(Array("abcuxz".utf8)) }
        if random.chance(50) { return ByteSet(chosen) }
        // `?` and `[^...]`
        let excluded = random.chance(50) ? [] : chosen
        return ByteSet((1...255).filter { $0 != UInt8(ascii: "/") && !excluded.contains($0) })
    }

    /// A path near something the rules name.
    mutating func path(near rules: [PolicyRule]) -> [UInt8] {
        var path: [UInt8]
        if random.chance(8) {
            path = Array(self.path(5).utf8)
        } else {
            switch random.pick(rules).target {
            case .path(let text): path = Array(text.utf8)
            case .directory(let text, _): path = Array(text.utf8) + (random.chance(60) ? Array(self.path(2).utf8) : [])
            case .executableName(let name): path = Array((random.chance(80) ? self.path(3) : "") + "/" + name).map(\.utf8).flatMap { $0 }
            case .pattern(let glob): path = fill(glob.elements)
            case .socket, .capability, .domain, .preset, .systemCall: path = []
            }
        }
        for _ in 0..<random.below(3) { mutate(&path) }
        return Self.normal(path)
    }

    private mutating func fill(_ elements: [Glob.Element]) -> [UInt8] {
        var result: [UInt8] = []
        for element in elements {
            switch element {
            case .byte(let byte): result.append(byte)
            case .set(let set):
                let wanted = Array("abcuxz~\u{7f}".utf8).filter { set.contains($0) }
                result.append(random.pick(wanted.isEmpty ? (1...255).filter { set.contains($0) } : wanted))
            case .withinComponent: if random.chance(70) { result += Array(random.pick(names).utf8) }
            case .acrossComponents: if random.chance(70) { result += Array((random.chance(50) ? path(2) : random.pick(names)).utf8) }
            case .alternatives(let alternatives): result += fill(random.pick(alternatives))
            }
        }
        return result
    }

    private mutating func mutate(_ path: inout [UInt8]) {
        switch random.below(7) {
        case 0: path += Array(self.path(2).utf8)
        case 1: path = Array(path.prefix(random.below(path.count + 1)))
        case 2: path += Array(random.pick(names).utf8)
        case 3 where !path.isEmpty: path[random.below(path.count)] = random.pick(Array("ab/cux".utf8) + [0xff])
        case 4 where !path.isEmpty: path.remove(at: random.below(path.count))
        case 5: path.insert(random.pick(Array("ab/z".utf8)), at: random.below(path.count + 1))
        default: if let end = path.lastIndex(of: UInt8(ascii: "/")) { path = Array(path[..<end]) }
        }
    }

    /// As the kernel gives paths: absolute or `memfd:`, no doubled slash, none at the end.
    static func normal(_ path: [UInt8]) -> [UInt8] {
        if path.starts(with: "memfd:".utf8) && path.count > 6 { return path }
        return [0x2f] + path.split(separator: 0x2f).joined(separator: [0x2f])
    }
}
