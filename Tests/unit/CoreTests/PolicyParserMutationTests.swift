import Foundation
import Testing

@testable import Core

/// Texts that nobody would write: whatever comes in, the parser answers, and what it lets through keeps the model's promises.
@Suite struct PolicyParserMutationTests {
    private static let texts: [[UInt8]] = {
        let spec = """
            severity: 3
            tags: [a, "b"]
            process:
              action: Audit
              matchPaths:
              - path: /usr/bin/apt
                fromSource: [{path: /bin/sh}, {dir: /opt/, recursive: true}]
              - execname: curl
            file:
              matchDirectories: [{dir: /etc/, recursive: true, readOnly: yes, ownerOnly: false}]
              matchPatterns:
              - pattern: '/{usr/,}lib/[a-z]*.so{,.?}'
              - pattern: /**/*.conf
            """
        let own = [PolicySample.text(spec: spec), PolicySample.text(name: "two", labels: "kubearmor.io/container.name: '[a, b]'")]
        return (own + [own.joined(separator: "---\n")]).map { Array($0.utf8) } + PolicyCorpus.files.map(\.text)
    }()

    /// Set by `make test-long`.
    private static let isLong = ProcessInfo.processInfo.environment["PORTCULLIS_LONG"] == "1"

    private static let pieces = [
        "---\n", "...\n", "- ", ": ", "{", "}", "[", "]", "\n", "  ", "\t", "*a ", "&a ", "!!str ", "\"", "'", "\\", "\"\\0\"", "|\n",
        ">-\n", "#", "%YAML 1.2\n", "? ",
        "<<: ", "~", "null", "true", "5", "-1", "/", "//", "/..", "**", "{,", "[^", "é", "\u{FEFF}", "\r", "\u{85}", "path: ", "dir: ",
        "pattern: ", "memfd:",
    ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0], [0xED, 0xA0, 0x80]]

    @Test func mutatedPoliciesAreReadOrRefused() {
        var random = MutationRandom()
        print("policy mutations: seed \(random.seed)")
        for round in 0..<(Self.isLong ? 100_000 : 5000) {
            var text = Self.texts[random.next(below: Self.texts.count)]
            for _ in 0...random.next(below: 4) { mutate(&text, &random) }
            let file = PolicyParser.parse(text, file: "m.yaml")
            if let broken = brokenPromise(file, text) {
                Issue.record("seed \(random.seed), round \(round): \(broken)\n\(String(decoding: text, as: UTF8.self))")
                return
            }
        }
    }

    private func mutate(_ text: inout [UInt8], _ random: inout MutationRandom) {
        let start = random.next(below: text.count + 1)
        let end = min(text.count, start + random.next(below: 1 + [1, 8, 80][random.next(below: 3)]))
        switch random.next(below: 6) {
        case 0: text.removeSubrange(start..<end)
        case 1: text.insert(contentsOf: text[start..<end], at: random.next(below: text.count + 1))
        case 2: if start < text.count { text[start] ^= UInt8(1 << random.next(below: 8)) }
        case 3: text.append(contentsOf: Self.texts[random.next(below: Self.texts.count)].dropFirst(start))
        default: text.replaceSubrange(start..<(random.next(below: 2) == 0 ? start : end), with: Self.pieces[random.next(below: Self.pieces.count)])
        }
    }

    private func brokenPromise(_ file: PolicyFile, _ text: [UInt8]) -> String? {
        let lines = text.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 1
        for problem in file.errors + file.warnings {
            // libyaml may name the line behind the last.
            guard (1...lines + 1).contains(problem.line), problem.column > 0, !problem.description.contains(where: \.isNewline) else {
                return "the problem \(problem) stands nowhere"
            }
        }
        guard Set(file.policies.map(\.identity)).count == file.policies.count else { return "two policies with one name" }
        for policy in file.policies {
            for rule in policy.rules {
                guard let broken = brokenPromise(rule) else { continue }
                return "\(policy.identity) \(rule.field): \(broken)"
            }
        }
        // What would be stored for each policy gives that policy again.
        guard file.errors.isEmpty, !file.policies.isEmpty else { return nil }
        var library = PolicyLibrary()
        for write in library.apply(text, name: "m.yaml").writes {
            let again = PolicyParser.parse(write.text ?? [], file: "m.yaml").policies
            guard again.map(placeless) == file.policies.filter({ $0.identity == write.identity }).map(placeless) else {
                return "\(write.identity) is stored as something else"
            }
        }
        return nil
    }

    private func brokenPromise(_ rule: PolicyRule) -> String? {
        func isPath(_ path: String) -> Bool {
            guard !path.hasPrefix("memfd:") else { return true }
            let components = path.split(separator: "/", omittingEmptySubsequences: false)
            return path.hasPrefix("/") && !components.dropFirst().contains { $0.isEmpty || $0 == "." || $0 == ".." }
        }
        if !(0...10).contains(rule.severity) { return "severity \(rule.severity)" }
        if rule.readOnly, rule.section == .process { return "readOnly" }
        if !rule.allowedArguments.isEmpty, rule.section != .process { return "allowedArgs" }
        switch rule.target {
        case .path(let path): if !isPath(path) { return "path \(path)" }
        case .directory(let path, _): if !path.isEmpty, !isPath(path) { return "directory \(path)" }
        case .executableName(let name): if name.isEmpty || name.contains("/") { return "name \(name)" }
        case .pattern(let glob): if (try? Glob(parsing: glob.text)) != glob { return "pattern \(glob.text)" }
        case .domain(let name): if DomainName.normal(name) != name { return "domain \(name)" }
        case .socket, .capability, .preset, .systemCall: break
        }
        for source in rule.sources {
            switch source {
            case .path(let path): if !isPath(path) { return "source \(path)" }
            case .directory(let path, _): if !path.isEmpty, !isPath(path) { return "source \(path)" }
            }
        }
        return nil
    }

    private func placeless(_ policy: Policy) -> Policy {
        var copy = policy
        copy.origin.line = 0
        for index in copy.rules.indices { copy.rules[index].line = 0 }
        return copy
    }

    @Test func mutatedPatternsAreReadOrRefused() {
        var random = MutationRandom()
        print("pattern mutations: seed \(random.seed)")
        let alphabet = Array("/*?[]{}\\,-^!.aaé".utf8)
        var read = 0
        for round in 0..<20_000 {
            let text = String(decoding: [UInt8(ascii: "/")] + (0..<random.next(below: 14)).map { _ in alphabet[random.next(below: alphabet.count)] }, as: UTF8.self)
            do throws(GlobError) {
                let glob = try Glob(parsing: text)
                read += 1
                let written = glob.elements.map(Self.written).joined()
                let again = try Glob(parsing: written)
                #expect(again.elements == glob.elements, "seed \(random.seed), round \(round): \(text) became \(written)")
            } catch {
                #expect((0...text.utf8.count).contains(error.offset), "seed \(random.seed), round \(round): \(text): \(error)")
            }
        }
        #expect(read > 1000, "seed \(random.seed): \(read) patterns were read")
    }

    /// An element as the pattern's author might have written it.
    private static func written(_ element: Glob.Element) -> String {
        switch element {
        case .byte(let byte) where byte < 0x80: "\\" + String(UnicodeScalar(byte))
        // Only é can be meant, whose bytes come as a pair.
        case .byte(let byte): byte == 0xC3 ? "é" : ""
        case .withinComponent: "*"
        case .acrossComponents: "**"
        case .alternatives(let list): "{" + list.map { $0.map(written).joined() }.joined(separator: ",") + "}"
        case .set(let set):
            if set.contains(0xFF) {
                (1..<0x80).contains { $0 != 0x2F && !set.contains($0) } ? "[^" + members { !set.contains($0) } + "]" : "?"
            } else {
                "[" + members(set.contains) + "]"
            }
        }
    }

    private static func members(_ isMember: (UInt8) -> Bool) -> String {
        (1..<0x80).filter { $0 != 0x2F && isMember($0) }.map { "\\" + String(UnicodeScalar($0)) }.joined()
    }
}

/// Random numbers that can be had again: the seed stands in every failure.
struct MutationRandom {
    let seed: UInt64
    private var state: UInt64

    init() {
        seed = UInt64.random(in: 0...UInt64.max)
        state = seed
    }

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) >> 1) % bound
    }
}
