// How long the policy compiler takes and how large its tables are. Paths come from standard input, one a line:
//
//     find /usr /etc /var -xdev | swift run -c release compile-bench
//
// Rules have the shapes that published KubeArmor policies have: most name a path, some a directory, a few are patterns, and
// one in ten has a fromSource.
import Core
import Glibc

struct Random {
    var state: UInt64 = 42
    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}

struct Rules {
    let paths: [String]
    var random = Random()

    mutating func path() -> String { paths[random.below(paths.count)] }
    mutating func directory() -> String {
        let path = path()
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return path }
        return String(path[..<slash])
    }
    func bytes(_ text: some StringProtocol) -> [Glob.Element] { text.utf8.map { .byte($0) } }

    mutating func literal() -> PolicyRule { rule(.path(path())) }

    /// `floating`: how many in a hundred name something wherever it is, `/**/name` or an execname; published policies have 1.
    mutating func mixed(floating: Int = 1) -> PolicyRule {
        switch random.below(100) {
        case 0..<floating:
            let name = path().split(separator: "/").last ?? "sh"
            if random.below(2) == 0 { return rule(.executableName(String(name))) }
            return rule(.pattern(Glob(text: "", elements: bytes("/") + [.acrossComponents] + bytes("/" + name))))
        case floating..<60: return rule(.path(path()))
        case 60..<85: return rule(.directory(directory(), recursive: random.below(2) == 0))
        default: return rule(.pattern(Glob(text: "", elements: pattern())))
        }
    }

    mutating func pattern() -> [Glob.Element] {
        let name = path().split(separator: "/").last ?? "x"
        switch random.below(6) {
        case 0: return bytes(directory() + "/") + [.withinComponent] + bytes(name.suffix(4))
        case 1: return bytes(directory() + "/" + name.prefix(4)) + [.withinComponent]
        case 2: return bytes(directory() + "/") + [.acrossComponents] + bytes("/" + name)
        case 3: return bytes("/") + [.withinComponent] + bytes("/") + [.withinComponent] + bytes("/" + name)
        case 4:
            let notSlash = ByteSet((1...255).filter { $0 != 0x2f })
            return bytes(directory() + "/" + name.dropLast()) + [.set(notSlash)]
        default:
            return bytes(directory() + "/") + [.alternatives([bytes(name), bytes(name.dropLast(2)), [.withinComponent] + bytes(".bak")])]
        }
    }

    mutating func rule(_ target: PolicyRule.Target) -> PolicyRule {
        var section: PolicyRule.Section = random.below(3) == 0 ? .process : .file
        if case .executableName = target { section = .process }
        return PolicyRule(
            section: section, target: target, sources: random.below(10) == 0 ? [.path(["/bin/sh", "/usr/bin/python3", "/usr/bin/curl"][random.below(3)])] : [],
            ownerOnly: random.below(20) == 0, readOnly: section == .file && random.below(10) == 0,
            action: [.block, .block, .allow, .audit][random.below(4)], severity: 5, tags: ["MITRE"], message: "a rule matched")
    }

    mutating func input(_ count: Int, _ make: (inout Rules) -> PolicyRule) -> PolicySetInput {
        let policies = (0..<max(1, count / 16)).map { number in
            Policy(
                name: "policy-\(number)", namespace: "default", selector: PolicySelector(matchLabels: ["app": "web"]),
                rules: (0..<(count / max(1, count / 16))).map { _ in make(&self) }, origin: .init(file: "bench.yaml", line: 1))
        }
        return PolicySetInput(policies: policies, posture: .block)
    }
}

func pad(_ value: some CustomStringConvertible, _ width: Int) -> String {
    let text = value.description
    return String(repeating: " ", count: max(0, width - text.count)) + text
}

func measure(_ name: String, _ input: PolicySetInput, _ probes: [String], rounds: Int) {
    guard wanted.isEmpty || name.hasPrefix(wanted) else { return }
    let clock = ContinuousClock()
    var times: [Duration] = []
    var compiled: CompiledPolicySet?
    let began = clock.now
    do {
        for _ in 0..<rounds { times.append(try clock.measure { compiled = try PolicySetCompiler.compile(input) }) }
    } catch {
        print(name.padded(34), "given up after \((clock.now - began) / .milliseconds(1)) ms:", error)
    }
    guard let compiled, let image = PolicySetImage(cells: compiled.cells) else { return }
    var steps = 0
    for probe in probes { steps += image.place(.file, probe.utf8).steps }
    times.sort()
    let statistics = compiled.statistics
    print(
        name.padded(34), pad(compiled.rules.count, 6), pad(Double(times[rounds / 2] / .microseconds(10)).rounded() / 100, 9),
        pad(statistics.constructedStates, 8), pad(statistics.states, 8), pad(statistics.transitions, 8), pad(statistics.classes, 4),
        pad(statistics.rows, 6), pad(statistics.sources, 3), pad(compiled.cells.count / 128, 6), pad(statistics.usedBytes / 1024, 6),
        pad(steps / max(1, probes.count), 4))
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

/// Only the sets whose name contains this.
let wanted = CommandLine.arguments.dropFirst().first ?? ""
var paths: [String] = []
while let line = readLine() { if line.utf8.first == 0x2f && line.utf8.count > 1 { paths.append(line) } }
guard !paths.isEmpty else {
    print("no paths on standard input")
    exit(1)
}
// What policies name is near the top: programs, configuration, a package's directories.
let short = paths.filter { $0.utf8.count <= 40 && $0.utf8.count { $0 == 0x2f } <= 4 }
let probes = (0..<10_000).map { paths[($0 * 7919) % paths.count] }
print("\(paths.count) paths read, \(short.count) of them short; medians")
print("set".padded(34), " rules        ms constru.   states transit. clas   rows src  pages   used read")
var rules = Rules(paths: short)
measure("16 typical rules", rules.input(16) { $0.mixed() }, probes, rounds: 21)
measure("256 typical rules", rules.input(256) { $0.mixed() }, probes, rounds: 21)
measure("256 without floating names", rules.input(256) { $0.mixed(floating: 0) }, probes, rounds: 21)
measure("1,000 typical rules", rules.input(1_000) { $0.mixed() }, probes, rounds: 11)
measure("1,000 without floating names", rules.input(1_000) { $0.mixed(floating: 0) }, probes, rounds: 11)
measure("1,000 of which 5 % floating", rules.input(1_000) { $0.mixed(floating: 5) }, probes, rounds: 11)
measure("10,000 typical rules", rules.input(10_000) { $0.mixed() }, probes, rounds: 3)
rules = Rules(paths: paths)
measure("10,000 literal paths of any length", rules.input(10_000) { $0.literal() }, probes, rounds: 5)
measure("1,000 rules of any length", rules.input(1_000) { $0.mixed() }, probes, rounds: 11)

// What cannot be done should be found out soon.
let anyByte = Glob.Element.set(ByteSet((1...255).filter { $0 != 0x2f }))
measure("a** and 24 times ?", rules.input(2) { rules in
    rules.rule(.pattern(Glob(text: "", elements: rules.bytes("/") + [.acrossComponents] + rules.bytes("a") + (0..<24).map { _ in anyByte })))
}, probes, rounds: 1)
measure("200 patterns with three **", rules.input(200) { rules in
    let pieces = (0..<3).map { _ in rules.bytes(rules.path().suffix(4)) }
    return rules.rule(.pattern(Glob(text: "", elements: rules.bytes("/") + pieces.flatMap { [.acrossComponents] + $0 })))
}, probes, rounds: 1)
measure("10,000 names anywhere", rules.input(10_000) { rules in
    rules.rule(.executableName(String(rules.path().split(separator: "/").last ?? "sh")))
}, probes, rounds: 1)
