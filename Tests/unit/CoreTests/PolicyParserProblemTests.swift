import Core
import Testing

/// Everything that a policy's author can get wrong below `spec`: each case names the line (from the first below the selector), the field
/// and the words of the complaint.
@Suite struct PolicyParserProblemTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let spec: String
        let line: Int
        let field: String
        let problem: String

        init(_ spec: String, _ line: Int, _ field: String, _ problem: String) {
            (self.spec, self.line, self.field, self.problem) = (spec, line, field, problem)
        }

        var testDescription: String { spec }
    }

    static let long = String(repeating: "x", count: 5000)
    static let paths: [Case] = [
        Case("file: {matchPaths: [{path: etc/x}]}", 1, "spec.file.matchPaths[0].path", "etc/x is not absolute"),
        Case("file: {matchPaths: [{path: /etc/}]}", 1, "spec.file.matchPaths[0].path", "ends in /"),
        Case("file: {matchPaths: [{path: /}]}", 1, "spec.file.matchPaths[0].path", "ends in /"),
        Case("file: {matchPaths: [{path: ''}]}", 1, "spec.file.matchPaths[0].path", "not absolute"),
        Case("file: {matchPaths: [{path: /a/../b}]}", 1, "spec.file.matchPaths[0].path", ". and .."),
        Case("file: {matchPaths: [{path: /a/.}]}", 1, "spec.file.matchPaths[0].path", ". and .."),
        Case("file: {matchPaths: [{path: /a//b}]}", 1, "spec.file.matchPaths[0].path", "// stands in no path"),
        Case("file: {matchPaths: [{path: \"/a\\0b\"}]}", 1, "spec.file.matchPaths[0].path", "NUL"),
        Case("file: {matchPaths: [{path: /\(long)}]}", 1, "spec.file.matchPaths[0].path", "5001 bytes; a path has at most 4096"),
        Case("file: {matchPaths: [{path: /\(long.prefix(300))}]}", 1, "spec.file.matchPaths[0].path", "more than 255 bytes"),
        Case("file:\n  matchPaths:\n  - path: /a\n  - path: b", 4, "spec.file.matchPaths[1].path", "b is not absolute"),
        Case("file: {matchPaths: [{path: 5}]}", 1, "spec.file.matchPaths[0].path", "expected text, found a number"),
        Case("file: {matchPaths: [{path: true}]}", 1, "spec.file.matchPaths[0].path", "write \"true\" in quotes"),
        Case("file: {matchPaths: [{path: [/a]}]}", 1, "spec.file.matchPaths[0].path", "expected text, found a list"),
        Case("file: {matchPaths: [{readOnly: true}]}", 1, "spec.file.matchPaths[0].path", "missing"),
        Case("file: {matchPaths: [{path: }]}", 1, "spec.file.matchPaths[0].path", "missing"),
        Case("file: {matchPaths: [/etc/x]}", 1, "spec.file.matchPaths[0]", "expected fields, found text"),
        Case("file: {matchPaths: {path: /etc/x}}", 1, "spec.file.matchPaths", "expected a list, found a mapping"),
        Case("file: [/etc/x]", 1, "spec.file", "expected fields, found a list"),
        Case("process: {matchPaths: [{ownerOnly: true}]}", 1, "spec.process.matchPaths[0].path", "path or execname"),
        Case("process: {matchPaths: [{execname: bin/x}]}", 1, "spec.process.matchPaths[0].execname", "without /"),
        Case("process: {matchPaths: [{execname: '..'}]}", 1, "spec.process.matchPaths[0].execname", "name of a program"),
        Case("process: {matchPaths: [{execname: ''}]}", 1, "spec.process.matchPaths[0].execname", "name of a program"),
        Case("process: {matchPaths: [{execname: \(long.prefix(256))}]}", 1, "spec.process.matchPaths[0].execname", "at most 255"),
        Case("file: {matchDirectories: [{dir: /etc}]}", 1, "spec.file.matchDirectories[0].dir", "a directory ends in /: write /etc/"),
        Case("file: {matchDirectories: [{dir: etc/}]}", 1, "spec.file.matchDirectories[0].dir", "not absolute"),
        Case("file: {matchDirectories: [{dir: /a/../}]}", 1, "spec.file.matchDirectories[0].dir", ". and .."),
        Case("file: {matchDirectories: [{dir: /a//}]}", 1, "spec.file.matchDirectories[0].dir", "// stands in no path"),
        Case("file: {matchDirectories: [{dir: 'memfd:a/'}]}", 1, "spec.file.matchDirectories[0].dir", "not absolute"),
        Case("file: {matchDirectories: [{recursive: true}]}", 1, "spec.file.matchDirectories[0].dir", "missing"),
        Case("file: {matchPatterns: [{pattern: '*.conf'}]}", 1, "spec.file.matchPatterns[0].pattern", "not absolute"),
        Case("file: {matchPatterns: [{pattern: '/a/[z-a]'}]}", 1, "spec.file.matchPatterns[0].pattern", "(at byte 4)"),
        Case("file: {matchPatterns: [{pattern: '/a{b'}]}", 1, "spec.file.matchPatterns[0].pattern", "{ without }"),
        Case("file: {matchPatterns: [{pattern: /etc/}]}", 1, "spec.file.matchPatterns[0].pattern", "no / at its end"),
        Case("file: {matchPatterns: [{}]}", 1, "spec.file.matchPatterns[0].pattern", "missing"),
    ]
    static let sources: [Case] = [
        Case("file: {matchPaths: [{path: /a, fromSource: [{}]}]}", 1, "spec.file.matchPaths[0].fromSource[0].path", "needs path or dir"),
        Case("file: {matchPaths: [{path: /a, fromSource: [{path: x}]}]}", 1, "spec.file.matchPaths[0].fromSource[0].path", "not absolute"),
        Case("file: {matchPaths: [{path: /a, fromSource: [{dir: /x}]}]}", 1, "spec.file.matchPaths[0].fromSource[0].dir", "write /x/"),
        Case("file: {matchPaths: [{path: /a, fromSource: [{dir: /x/, path: /y}]}]}", 1, "spec.file.matchPaths[0].fromSource[0]", "either"),
        Case("file: {matchPaths: [{path: /a, fromSource: [/x]}]}", 1, "spec.file.matchPaths[0].fromSource[0]", "expected fields, found text"),
        Case("file: {matchPaths: [{path: /a, fromSource: /x}]}", 1, "spec.file.matchPaths[0].fromSource", "expected a list, found text"),
    ]
    static let attributes: [Case] = [
        Case("action: Deny", 1, "spec.action", "expected Allow, Audit or Block, found Deny"),
        Case("action: Blok", 1, "spec.action", "did you mean Block?"), Case("action: BLOCK", 1, "spec.action", "did you mean Block?"),
        Case("severity: 0", 1, "spec.severity", "1 to 10"), Case("severity: 11", 1, "spec.severity", "1 to 10"),
        Case("severity: '5'", 1, "spec.severity", "1 to 10"), Case("severity: high", 1, "spec.severity", "1 to 10"),
        Case("severity: 99999999999999999999", 1, "spec.severity", "1 to 10"), Case("severity: [1]", 1, "spec.severity", "1 to 10"),
        Case("tags: a", 1, "spec.tags", "expected a list"), Case("tags: [a, 2]", 1, "spec.tags[1]", "found a number"),
        Case("tags:\n- a\n- {b: c}", 3, "spec.tags[1]", "found a mapping"), Case("message: 1.5", 1, "spec.message", "found a number"),
        Case("message: [a]", 1, "spec.message", "found a list"), Case("process:\n  severity: 12", 2, "spec.process.severity", "1 to 10"),
        Case("file: {matchPaths: [{path: /a, ownerOnly: 'true'}]}", 1, "spec.file.matchPaths[0].ownerOnly", "leave the quotes out"),
        Case("file: {matchPaths: [{path: /a, readOnly: 1}]}", 1, "spec.file.matchPaths[0].readOnly", "expected true or false, found a number"),
        Case("file: {matchDirectories: [{dir: /a/, recursive: maybe}]}", 1, "spec.file.matchDirectories[0].recursive", "found text"),
    ]
    static let fields: [Case] = [
        Case("file: {matchPaths: [{paht: /a}]}", 1, "spec.file.matchPaths[0].paht", "did you mean path?"),
        Case("file: {matchPath: []}", 1, "spec.file.matchPath", "did you mean matchPaths?"),
        Case("files: {}", 1, "spec.files", "did you mean file?"),
        Case("process: {matchPaths: [{path: /a, allowedArgs: b}]}", 1, "spec.process.matchPaths[0].allowedArgs", "expected a list"),
        Case("process: {matchPaths: [{path: /a, allowedArgs: [b, 5]}]}", 1, "spec.process.matchPaths[0].allowedArgs[1]", "found a number"),
        Case("process: {matchPaths: [{path: /a, allowedArgs: ['\(String(repeating: "x", count: 4001))']}]}", 1, "spec.process.matchPaths[0].allowedArgs[0]", "up to 4000"),
        Case("process: {matchDirectories: [{dir: /a/, allowedArgs: [b]}]}", 1, "spec.process.matchDirectories[0].allowedArgs", "unknown field"),
        Case("process: {matchPaths: [{path: /a, pts: 0}]}", 1, "spec.process.matchPaths[0].pts", "expected true or false"),
        Case("network: {matchDNSQueries: [{domain: '*.example.org'}]}", 1, "spec.network.matchDNSQueries[0].domain", "leave the *. out"),
        Case("network: {matchDNSQueries: [{domain: a..b}]}", 1, "spec.network.matchDNSQueries[0].domain", "expected a name"),
        Case("network: {matchDNSQueries: [{domain: 'exa mple'}]}", 1, "spec.network.matchDNSQueries[0].domain", "expected a name"),
        Case("network: {matchDNSQueries: [{protocol: udp}]}", 1, "spec.network.matchDNSQueries[0].protocol", "unknown field; there are domain"),
        Case("network: {matchDNSQuery: []}", 1, "spec.network.matchDNSQuery", "did you mean matchDNSQueries?"),
        Case("syscalls: {matchSyscalls: [{syscall: [unlnk]}]}", 1, "spec.syscalls.matchSyscalls[0].syscall[0]", "no system call that libseccomp knows"),
        Case("syscalls: {matchSyscalls: [{syscall: unlink}]}", 1, "spec.syscalls.matchSyscalls[0].syscall", "expected a list"),
        Case("syscalls: {matchSyscalls: [{syscall: []}]}", 1, "spec.syscalls.matchSyscalls[0].syscall", "is empty"),
        Case("syscalls: {matchSyscalls: [{fromSource: [{path: /a}]}]}", 1, "spec.syscalls.matchSyscalls[0].syscall", "missing"),
        Case("syscalls: {matchPaths: [{syscall: [unlink]}]}", 1, "spec.syscalls.matchPaths[0].path", "missing"),
        Case("syscalls: {matchPaths: [{path: home, syscall: [unlink]}]}", 1, "spec.syscalls.matchPaths[0].path", "not absolute"),
        Case("presets: [{name: protectPorc}]", 1, "spec.presets[0].name", "did you mean protectProc?"),
        Case("presets: [{name: exec, action: Allow}]", 1, "spec.presets[0].action", "Block or Audit"),
        Case("presets: [{action: Block}]", 1, "spec.presets[0].name", "missing"), Case("presets: {name: exec}", 1, "spec.presets", "expected a list"),
        Case("network: {matchProtocols: [{protocol: tpc}]}", 1, "spec.network.matchProtocols[0].protocol", "tpc is no protocol; did you mean tcp?"),
        Case("network: {matchProtocols: [{protocol: 'tcp,'}]}", 1, "spec.network.matchProtocols[0].protocol", "is no protocol; there are tcp, udp"),
        Case("network: {matchProtocols: [{protocol: 6}]}", 1, "spec.network.matchProtocols[0].protocol", "expected text"),
        Case("network: {matchProtocols: [{fromSource: [{path: /a}]}]}", 1, "spec.network.matchProtocols[0].protocol", "missing"),
        Case("network: {matchProtocols: [{protocol: tcp, pts: never}]}", 1, "spec.network.matchProtocols[0].pts", "expected true or false"),
        Case("network: {matchProtocol: [{protocol: tcp}]}", 1, "spec.network.matchProtocol", "did you mean matchProtocols?"),
        Case("capabilities: {matchCapabilities: [{capability: net_row}]}", 1, "spec.capabilities.matchCapabilities[0].capability", "did you mean net_raw?"),
        Case("process: {matchPaths: [{path: /a, readOnly: true}]}", 1, "spec.process.matchPaths[0].readOnly", "unknown field"),
        Case("capabilities: {matchCapabilities: [{capability: net_raw, pts: false}]}", 1, "spec.capabilities.matchCapabilities[0].pts", "unknown field"),
        Case("file: {matchPaths: [{path: /a, allowedArgs: [b]}]}", 1, "spec.file.matchPaths[0].allowedArgs", "unknown field"),
        Case("file: {matchPaths: [{path: /a, fromSource: [{path: /b, user: c}]}]}", 1, "spec.file.matchPaths[0].fromSource[0].user", "unknown field"),
        Case("file: {matchDirectories: [{dir: /a/, pts: 'no'}]}", 1, "spec.file.matchDirectories[0].pts", "leave the quotes out"),
    ]

    /// Nothing is missing beside them.
    static let unknown = [
        Case("file: {matchDirectories: [{dir: /a/, recursiv: true}]}", 1, "spec.file.matchDirectories[0].recursiv", "did you mean recursive?"),
        Case("file: {matchPaths: [{path: /a, execname: b}]}", 1, "spec.file.matchPaths[0].execname", "unknown field; there are path, readOnly"),
        Case("process: {matchPaths: [{path: /a, recursive: true}]}", 1, "spec.process.matchPaths[0].recursive", "unknown field"),
        Case("process: {matchPaths: [{path: /a, \"b\\nc\": d}]}", 1, "spec.process.matchPaths[0].b\\u{a}c", "unknown field"),
    ]

    @Test(arguments: unknown)
    func unknownFieldsAreWarningsUnlessAsked(_ given: Case) throws {
        let text = Array(PolicySample.text(spec: given.spec).utf8)
        let lenient = PolicyParser.parse(text, file: "p.yaml")
        #expect(lenient.policies.count == 1 && lenient.errors.isEmpty && lenient.warnings.count == 1, "\(lenient)")
        #expect(lenient.warnings.first?.field == given.field && lenient.warnings.first?.problem.hasPrefix("unknown field, ignored; ") == true, "\(lenient.warnings)")
        let strict = PolicyParser.parse(text, file: "p.yaml", isStrict: true)
        #expect(strict.policies.isEmpty && strict.warnings.isEmpty && strict.errors.count == 1, "\(strict)")
        #expect(strict.errors.first?.field == given.field && strict.errors.first?.problem.contains(given.problem) == true, "\(strict.errors)")
        #expect(strict.errors.first?.line == PolicySample.specLine && lenient.warnings.first?.line == PolicySample.specLine)
    }

    @Test(arguments: [paths, sources, attributes, fields].flatMap { $0 })
    func namesLineFieldAndProblem(_ given: Case) {
        let file = PolicySample.parse(PolicySample.text(spec: given.spec))
        #expect(file.policies.isEmpty && file.errors.count == 1, "\(file.errors)")
        let error = file.errors.first
        #expect(error?.file == "p.yaml" && error?.line == PolicySample.specLine + given.line - 1 && error?.field == given.field, "\(file.errors)")
        #expect(error?.problem.contains(given.problem) == true, "\(file.errors)")
        let description = error?.description ?? ""
        #expect(description.hasPrefix("p.yaml:\(error?.line ?? 0):\(error?.column ?? 0): \(given.field): ") && !description.contains("\n"), "\(description)")
    }

    @Test(arguments: [
        Case("network: {matchDNSQueries: []}", 1, "spec.network", "has no rules"),
        Case("process: {matchPaths: [{path: /a, allowedArgs: []}]}", 1, "spec.process.matchPaths[0].allowedArgs", "is empty: ignored"),
        Case("process: {matchPaths: [{path: /a, pts: true}]}", 1, "spec.process.matchPaths[0].pts", "only pts: false"),
        Case("network: {matchProtocols: []}", 1, "spec.network", "has no rules"),
        Case("capabilities: {}", 1, "spec.capabilities", "has no rules"), Case("syscalls: {}", 1, "spec.syscalls", "has no rules"),
        Case("presets: []", 1, "spec.presets", "has no rules"),
        Case("apparmor: |\n  deny /x rw,", 1, "spec.apparmor", "not enforced"),
        Case("file: {matchPaths: [{path: ///etc/x}]}", 1, "spec.file.matchPaths[0].path", "read as one"),
        Case("file: {matchDirectories: [{dir: //}]}", 1, "spec.file.matchDirectories[0].dir", "read as one"),
        Case("file: {matchPatterns: [{pattern: //etc/*}]}", 1, "spec.file.matchPatterns[0].pattern", "read as one"),
        Case("file: {matchPaths: [{path: /etc/*}]}", 1, "spec.file.matchPaths[0].path", "* stands for itself here"),
        Case("file: {matchDirectories: [{dir: '/{a,b}/'}]}", 1, "spec.file.matchDirectories[0].dir", "{ stands for itself here"),
        Case("process: {matchPaths: [{execname: 'apt*'}]}", 1, "spec.process.matchPaths[0].execname", "* stands for itself here"),
        Case("process: {matchPaths: [{path: /a, execname: b}]}", 1, "spec.process.matchPaths[0].execname", "execname counts"),
        Case("process: {matchPaths: [{path: /a, pts: true}]}", 1, "spec.process.matchPaths[0].pts", "only pts: false"),
        Case("file: {matchPaths: [{path: /a, fromSource: []}]}", 1, "spec.file.matchPaths[0].fromSource", "whoever acts"),
        Case("file: {matchPaths: [{path: /a, fromSource: [{path: /b, recursive: true}]}]}", 1, "spec.file.matchPaths[0].fromSource[0].recursive", "only dir"),
        Case("file: {matchPaths: []}", 1, "spec.file", "has no rules"), Case("file: {action: Allow}", 1, "spec.file", "has no rules"),
        Case("file: {}", 1, "spec.file", "has no rules"),
    ])
    func warnsAndKeepsThePolicy(_ given: Case) {
        let file = PolicySample.parse(PolicySample.text(spec: given.spec))
        #expect(file.policies.count == 1 && file.errors.isEmpty && file.warnings.count == 1, "\(file)")
        let warning = file.warnings.first
        #expect(warning?.line == PolicySample.specLine + given.line - 1 && warning?.field == given.field, "\(file.warnings)")
        #expect(warning?.problem.contains(given.problem) == true, "\(file.warnings)")
    }

    @Test func listsEveryErrorOfADocumentButNotWithoutBound() {
        let two = PolicySample.parse(PolicySample.text(spec: "action: x\nseverity: 0"))
        #expect(two.errors.map(\.field) == ["spec.action", "spec.severity"])
        let rules = (0..<1000).map { _ in "- {path: relative}" }.joined(separator: "\n")
        let many = PolicySample.parse(PolicySample.text(spec: "file:\n  matchPaths:\n" + rules.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")))
        #expect(many.errors.count == PolicyParser.problemLimit + 1)
        #expect(many.errors.last?.problem == "and 800 more errors, not listed")
    }
}
