import HookWire

@testable import Core

/// What administrators and clients write: policies, in files and over the control socket.
extension FuzzTarget {
    static var policyTargets: [FuzzTarget] { [yaml, policy, policySet, glob] }

    private static let spec = """
        severity: 3
        tags: [a, "b"]
        process:
          action: Audit
          matchPaths:
          - path: /usr/bin/apt
            fromSource: [{path: /bin/sh}, {dir: /opt/, recursive: true}]
          - execname: curl
          - {path: /usr/bin/python3, allowedArgs: ["-m", x], pts: false}
        file:
          matchDirectories: [{dir: /etc/, recursive: true, readOnly: yes, ownerOnly: false}]
          matchPatterns:
          - pattern: '/{usr/,}lib/[a-z]*.so{,.?}'
          - pattern: /**/*.conf
        network: {matchProtocols: [{protocol: "tcp,udp"}], matchDNSQueries: [{domain: www.example.org}]}
        capabilities: {matchCapabilities: [{capability: net_raw}]}
        presets: [{name: filelessExec}]
        syscalls: {matchSyscalls: [{syscall: [unlink, openat]}], matchPaths: [{path: /etc/, recursive: true, syscall: [rename]}]}
        """

    static let policies: [[UInt8]] = {
        func text(_ kind: String, _ metadata: String, _ selector: String, _ spec: String) -> String {
            let indented = spec.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
            return "apiVersion: security.kubearmor.com/v1\nkind: \(kind)\nmetadata: {\(metadata)}\nspec:\n  \(selector)\n\(indented)\n"
        }
        let one = text("KubeArmorPolicy", "name: p, namespace: shop", "selector: {matchLabels: {app: web, kubearmor.io/container.name: '[a, b]'}}", spec)
        let small = text("KubeArmorPolicy", "name: q", "selector: {}", "file: {matchPaths: [{path: /etc/shadow, action: Block}]}")
        let cluster = text(
            "KubeArmorClusterPolicy", "name: c", "selector: {matchExpressions: [{key: namespace, operator: NotIn, values: [kube-system]}, {key: label, operator: In, values: [a=b]}]}",
            "process: {matchPatterns: [{pattern: /tmp/**}], action: Allow}")
        let host = text(
            "KubeArmorHostPolicy", "name: h, annotations: {portcullis.io/force: \"true\"}", "nodeSelector: {matchLabels: {kubernetes.io/hostname: \"*\"}}",
            "process: {matchPaths: [{path: /usr/bin/nc}]}")
        // Two names for the kernel, one text for Unicode.
        let twins = text(
            "KubeArmorPolicy", "name: t", "selector: {}",
            "file: {matchPaths: [{path: /caf\u{E9}, fromSource: [{path: /bin/e\u{301}}]}, {path: /cafe\u{301}, fromSource: [{path: /bin/\u{E9}}]}]}\n"
                + "process: {matchPaths: [{path: /x, action: Allow, allowedArgs: [\u{E9}, e\u{301}]}]}")
        return [one, small, cluster, host, twins, [one, small, host].joined(separator: "---\n")].map { Array($0.utf8) }
    }()

    static let yamlWords = texts(
        "---\n", "...\n", "- ", ": ", "{", "}", "[", "]", "\n", "  ", "\t", "*a ", "&a ", "!!str ", "\"", "'", "\\", "\"\\0\"", "|\n", ">-\n", "#", "%YAML 1.2\n", "? ",
        "<<: ", "~", "null", "true", "no", "5", "-1", "0x1", "/", "/..", "**", "{,", "[^", "\r", "path: ", "dir: ", "pattern: ", "memfd:", "path: /a\n", "- path: /e\u{301}\n",
        "fromSource: [{path: /e\u{301}}, {path: /\u{E9}}]", "recursive: true", "readOnly: true", "ownerOnly: true", "execname: x", "allowedArgs: [e\u{301}, \u{E9}]",
        "pts: false", "action: Allow", "action: Block", "matchPaths:", "matchDirectories:", "matchPatterns:", "namespace: ", "name: ", "kind: KubeArmorHostPolicy", "\"\\u0301\"",
        "\"/a/../\\u0301b\"", "domain: ", "protocol: ", "capability: ", "syscall: [")

    static let yaml = FuzzTarget(
        name: "yaml", format: .yaml, seeds: policies + texts("a: 1", "- - - a", "{a: [b, c], d: {}}", "\u{FEFF}# c\n---\na\n...\n---\nb\n"), words: yamlWords,
        limit: 1 << 15, generate: { $0.yaml() },
        reader: {
            { input throws(BrokenPromise) in
                let single = Result { () throws(YAMLError) in try YAMLParser.parse(input) }
                let documents = YAMLParser.documents(input)
                try PolicyPromises.documents(documents, of: input)
                switch single {
                case .success(let node?):
                    guard documents.count == 1, case .success(let other) = documents[0].content else { throw BrokenPromise(description: "one document, and \(documents.count)") }
                    try promise(other == node, "two readings of one document")
                case .success(nil): try promise(documents.isEmpty, "no document, and \(documents.count)")
                case .failure(let error): try promise(error.line > 0 && error.column > 0, "\(error)")
                }
                return documents.contains { (try? $0.content.get()) != nil }
            }
        })

    static let policy = FuzzTarget(
        name: "policy", format: .yaml, seeds: policies, words: yamlWords, limit: 1 << 15,
        reader: {
            { input throws(BrokenPromise) in
                let file = PolicyParser.parse(input, file: "f.yaml")
                try promise(file == PolicyParser.parse(input, file: "f.yaml"), "two readings of one file")
                try PolicyPromises.file(file, of: input)
                // Who is strict sees the same policies or fewer.
                let strict = PolicyParser.parse(input, file: "f.yaml", isStrict: true)
                let known = Set(file.policies.map(\.identity))
                try promise(strict.policies.allSatisfy { known.contains($0.identity) }, "strict reading finds more policies")
                try PolicyPromises.stored(file, input)
                return !file.policies.isEmpty
            }
        })

    static let policySet = FuzzTarget(
        name: "policy-set", format: .yaml, seeds: policies, words: yamlWords, limit: 1 << 13,
        reader: {
            { input throws(BrokenPromise) in
                let policies = PolicyParser.parse(input, file: "f.yaml").policies.sorted { $0.identity < $1.identity }
                guard !policies.isEmpty else { return false }
                return try PolicyPromises.compiles(policies)
            }
        })

    static let glob = FuzzTarget(
        name: "glob", format: .text,
        seeds: texts("/", "/**", "/{usr/,}lib/[a-z]*.so{,.?}", "/a\\*b/[^a-c\\]]/é", "memfd:x*", "/{a,{b,c}}/?", "/a[\\-\\]x-z]"),
        words: texts("*", "**", "?", "[", "]", "[^", "[!", "{", "}", ",", "{a,b}", "\\", "-", "..", "[:alpha:]", "memfd:", "[a-z]", "{,"), limit: 5000,
        generate: { random in
            let alphabet = Array("/*?[]{}\\,-^!.aaé".utf8)
            return [UInt8(ascii: "/")] + (0..<random.below(24)).map { _ in random.pick(alphabet) }
        },
        reader: {
            { input throws(BrokenPromise) in
                let text = String(decoding: input, as: UTF8.self)
                switch Result(catching: { () throws(GlobError) in try Glob(parsing: text) }) {
                case .success(let glob):
                    try PolicyPromises.glob(glob)
                    return true
                case .failure(let error):
                    try promise((0...text.utf8.count).contains(error.offset) && !error.problem.isEmpty, "\(error)")
                    return false
                }
            }
        })
}

extension FuzzRandom {
    /// Pieces of YAML one behind another.
    mutating func yaml() -> [UInt8] {
        (0..<1 + below(30)).flatMap { _ in chance(60) ? pick(FuzzTarget.yamlWords) : Array("ab\n".utf8.prefix(1 + below(3))) }
    }
}
