import Core
import Testing

@Suite struct PolicyParserTests {
    private let whole = """
        # a comment first
        apiVersion: security.kubearmor.com/v1
        kind: KubeArmorPolicy
        metadata:
          name: guard
          namespace: shop
        spec:
          severity: 3
          tags: [a, b]
          message: outer
          selector:
            matchLabels:
              app: web
          process:
            action: Audit
            matchPaths:
            - path: /usr/bin/apt
            - execname: curl
              action: allow
              severity: 7
              message: own
            matchDirectories:
            - dir: /sbin/
              recursive: true
              ownerOnly: true
              fromSource:
              - path: /bin/sh
              - dir: /opt/
                recursive: true
            matchPatterns:
            - pattern: /usr/bin/*sh
          file:
            tags: [c]
            matchPaths:
            - path: /etc/shadow
              readOnly: true
            matchDirectories:
            - dir: /
        """

    @Test func readsAllThatARuleHas() throws {
        let file = parse(whole)
        #expect(file.errors.isEmpty && file.warnings.isEmpty, "\(file)")
        let policy = try #require(file.policies.first)
        #expect(policy.identity == "shop/guard" && policy.origin == Policy.Origin(file: "p.yaml", line: 2) && !policy.allowsMounts)
        #expect(policy.selector == PolicySelector(matchLabels: ["app": "web"]))
        let pattern = try Glob(parsing: "/usr/bin/*sh")
        #expect(
            policy.rules == [
                PolicyRule(
                    section: .process, target: .path("/usr/bin/apt"), action: .audit, severity: 3, tags: ["a", "b"], message: "outer",
                    field: "process.matchPaths[0]", line: 17),
                PolicyRule(
                    section: .process, target: .executableName("curl"), action: .allow, severity: 7, tags: ["a", "b"], message: "own",
                    field: "process.matchPaths[1]", line: 18),
                PolicyRule(
                    section: .process, target: .directory("/sbin", recursive: true),
                    sources: [.path("/bin/sh"), .directory("/opt", recursive: true)], ownerOnly: true, action: .audit, severity: 3, tags: ["a", "b"],
                    message: "outer", field: "process.matchDirectories[0]", line: 23),
                PolicyRule(
                    section: .process, target: .pattern(pattern), action: .audit, severity: 3, tags: ["a", "b"], message: "outer",
                    field: "process.matchPatterns[0]", line: 31),
                PolicyRule(
                    section: .file, target: .path("/etc/shadow"), readOnly: true, action: .block, severity: 3, tags: ["c"], message: "outer",
                    field: "file.matchPaths[0]", line: 35),
                PolicyRule(
                    section: .file, target: .directory("", recursive: false), action: .block, severity: 3, tags: ["c"], message: "outer",
                    field: "file.matchDirectories[0]", line: 38),
            ])
    }

    private func parse(_ text: String) -> PolicyFile { PolicyParser.parse(Array(text.utf8), file: "p.yaml") }
}
