import Testing

@testable import Core

struct PolicyReportTests {
    private func policy(_ spec: String) throws -> Policy {
        let parsed = PolicySample.parse(PolicySample.text(spec: spec))
        return try #require(parsed.policies.first, "\(parsed.errors)")
    }

    @Test func aPolicyIsShownWithItsOriginAndWhoHasIt() throws {
        let policy = try policy("process: {matchPaths: [{path: /bin/x}], action: Allow}\nfile: {matchPaths: [{path: /etc/s}]}\naction: Block")
        let names = (1...150).map { "c\($0)" }
        let text = String(decoding: PolicyReport(policy, isApplied: true, containers: names).json(), as: UTF8.self)
        #expect(text.hasPrefix(#"{"identity":"shop/p","namespace":"shop","name":"p","source":"applied","file":"p.yaml","line":1,"matchLabels":{"app":"web"}"#), "\(text)")
        #expect(text.contains(#""modes":{"process":"whitelist","file":"rules","network":"none","capabilities":"none","dns":"none","presets":"none","syscalls":"none"},"ruleCounts":{"Allow":1,"Audit":0,"Block":1},"selected":150"#), "\(text)")
        #expect(text.contains("\"c100\"") && !text.contains("\"c101\""))
    }

    @Test func aSectionWithoutRulesHasNoMode() throws {
        let policy = try policy("file: {matchPaths: [{path: /etc/s, action: Audit}]}\naction: Block")
        #expect(PolicyReport.mode(.process, of: policy) == .none && PolicyReport.mode(.file, of: policy) == .rules)
    }

    @Test(arguments: [
        ("process: {matchPaths: [{execname: nc}]}", #""execname":"nc","fromSource":[]"#),
        ("network: {matchProtocols: [{protocol: UDP}]}", #""section":"network","protocol":"udp","fromSource":[]"#),
        ("capabilities: {matchCapabilities: [{capability: sys_admin}]}", #""section":"capabilities","capability":"sys_admin","fromSource":[]"#),
        ("process: {matchPaths: [{path: /a, pts: false, allowedArgs: [b, '']}]}", #""withoutTerminal":true,"allowedArgs":["b",""]"#),
        ("network: {matchDNSQueries: [{domain: A.test.}]}", #""section":"dns","domain":"a.test""#), ("syscalls: {matchPaths: [{path: /a/, syscall: [unlink]}]}", #""section":"syscalls","syscall":"unlink","dir":"/a/","recursive":false"#), ("presets: [{name: exec}]", #""section":"presets","preset":"exec""#),
        ("process: {matchDirectories: [{dir: /opt/, recursive: true}]}", #""dir":"/opt/","recursive":true"#),
        ("file: {matchDirectories: [{dir: /, fromSource: [{path: /bin/a}]}]}", #""dir":"/","recursive":false,"fromSource":[{"path":"/bin/a"}]"#),
        ("file: {matchPatterns: [{pattern: \"/a/**\", readOnly: true}]}", #""pattern":"/a/**","fromSource":[],"ownerOnly":false,"readOnly":true"#),
        ("file: {matchPaths: [{path: /a, ownerOnly: true}]}\nseverity: 3\ntags: [x, y]\nmessage: 'a \"b\"'",
            #""path":"/a","fromSource":[],"ownerOnly":true,"readOnly":false,"withoutTerminal":false,"allowedArgs":[],"action":"Block","severity":3,"tags":["x","y"],"message":"a \"b\"""#),
    ])
    func aRuleIsShownWithWhatItInherits(_ spec: String, _ part: String) throws {
        let rule = try #require(try policy(spec + "\naction: Block").rules.first)
        let text = String(decoding: PolicyReport.json(rule), as: UTF8.self)
        #expect(text.contains(part), "\(text)")
        #expect(text.hasPrefix(#"{"rule":"\#(rule.field)","line":\#(rule.line),"#))
    }

    @Test func aTextIsCheckedWithoutADaemon() throws {
        var seen: [String: Policy.Origin] = [:]
        let good = Array(PolicySample.text(spec: "process: {matchPaths: [{path: /bin/x}]}\nnetwork: {}\naction: Block").utf8)
        let first = PolicyCheck(good, file: "a.yaml", alreadySeen: &seen)
        #expect(first.errors.isEmpty && first.warnings.map(\.field) == ["spec.network"])
        let size = try #require(first.sizes.first)
        #expect(first.sizes.count == 1 && size.identity == "shop/p" && size.rules == 1 && size.states > 3 && size.kibibytes == 16)
        // The same name in a second file, and a text without any policy.
        let second = PolicyCheck(good, file: "b.yaml", alreadySeen: &seen)
        #expect(second.errors.map(\.description) == ["b.yaml:1:1: metadata.name: shop/p is defined at a.yaml:1 already"] && second.sizes.isEmpty)
        #expect(PolicyCheck([], file: "c", alreadySeen: &seen).errors.map(\.description) == ["c:1:1: there is no policy in it"])
    }

    /// What is too large is refused with the policy's place, before any container could have it.
    @Test func whatDoesNotFitTheKernelIsRefusedByName() {
        var limits = PolicySetLimits()
        limits.states = 100
        var seen: [String: Policy.Origin] = [:]
        let text = Array("# a comment\n".utf8) + Array(PolicySample.text(spec: "file: {matchPatterns: [{pattern: \"/**a????????\"}]}\naction: Block").utf8)
        #expect(PolicyCheck(text, file: "p.yaml", alreadySeen: &seen).errors.isEmpty)
        seen = [:]
        let check = PolicyCheck(text, file: "p.yaml", alreadySeen: &seen, limits: limits)
        #expect(check.errors.count == 1 && check.errors.first?.line == 2 && check.errors.first?.field == "spec" && check.sizes.isEmpty)
        #expect(check.errors.first?.problem.contains(" states under construction, the limit is 100;") == true, "\(check.errors)")
        #expect(check.errors.first?.problem.contains("shop/p file.matchPatterns[0] (p.yaml:") == true, "\(check.errors)")
        // The daemon says the same as the command without a daemon.
        var library = PolicyLibrary(fit: PolicyFit(limits: limits))
        let applied = library.apply(text, name: "p.yaml")
        #expect(applied.errors == check.errors && applied.writes.isEmpty && applied.change.isEmpty && library.policies.isEmpty)
    }

    @Test func theAnswerSaysWhatBecameOfEachPolicy() {
        var library = PolicyLibrary()
        let one = Array(PolicySample.text(name: "one", spec: "process: {matchPaths: [{path: /bin/x}]}\naction: Block").utf8)
        #expect(String(decoding: library.apply(one, name: "x").json(keptOlder: []), as: UTF8.self) ==
            #"{"accepted":true,"added":["shop/one"],"changed":[],"removed":[],"unchanged":[],"errors":[],"warnings":[],"notes":[],"containersWithOlderPolicies":[]}"#)
        #expect(String(decoding: library.apply(one, name: "x").json(keptOlder: ["c: full"]), as: UTF8.self) ==
            #"{"accepted":true,"added":[],"changed":[],"removed":[],"unchanged":["shop/one"],"errors":[],"warnings":[],"notes":[],"containersWithOlderPolicies":["c: full"]}"#)
        #expect(String(decoding: library.apply([], name: "x").json(keptOlder: []), as: UTF8.self).hasPrefix(#"{"accepted":false,"added":[]"#))
    }

    @Test(arguments: [("a.yaml", "a.yaml"), ("", "(unnamed)"), ("a\nb", "(unnamed)"), (String(repeating: "n", count: 4001), "(unnamed)")])
    func aSubmissionKeepsItsTextAndAHarmlessName(_ name: String, _ kept: String) throws {
        let text: [UInt8] = [0xFF, 0, 0x0A]
        let decoded = try #require(PolicySubmission(decoding: PolicySubmission(name: name, text: text).encoded[...]))
        #expect(decoded.name == kept && decoded.text == text)
        #expect(PolicySubmission(decoding: [0x61][...]) == nil)
    }
}
