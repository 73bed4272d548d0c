import Core
import Testing

/// What stands around `spec`: kinds, names, selectors, and several documents in one file.
@Suite struct PolicyParserDocumentTests {
    private let good = PolicySample.text()

    private func changed(_ old: String, _ new: String) -> PolicyFile {
        let text = good.replacing(old, with: new)
        precondition(text != good, "\(old) is not in the sample")
        return PolicySample.parse(text)
    }

    @Test(arguments: [
        ("kind: KubeArmorPolicy\n", "", 1, "kind", "missing"),
        ("KubeArmorPolicy", "KubeArmorPolcy", 2, "kind", "did you mean KubeArmorPolicy?"),
        ("KubeArmorPolicy", "Deployment", 2, "kind", "Deployment is no policy"), ("KubeArmorPolicy", "[a]", 2, "kind", "found a list"),
        ("/v1", "/v2", 1, "apiVersion", "security.kubearmor.com/v2 is not known"), ("apiVersion", "Version", 1, "Version", "unknown field"),
        ("name: p, ", "", 3, "metadata.name", "needs a name"), ("name: p,", "name: P,", 3, "metadata.name", "lower-case"),
        ("name: p,", "name: ../p,", 3, "metadata.name", "lower-case"), ("name: p,", "name: '',", 3, "metadata.name", "1 to 253"),
        ("name: p,", "name: 7,", 3, "metadata.name", "\"7\" in quotes"),
        ("namespace: shop", "namespace: a.b", 3, "metadata.namespace", "1 to 63"),
        ("metadata: {name: p, namespace: shop}\n", "", 1, "metadata", "missing"),
        ("{name: p, namespace: shop}", "p", 3, "metadata", "expected fields, found text"),
        ("spec:", "specs:", 4, "specs", "did you mean spec?"),
        ("  selector: {matchLabels: {app: web}}\n", "  selectors: {matchLabels: {app: web}}\n", 5, "spec.selectors", "did you mean selector?"),
        ("{matchLabels: {app: web}}", "web", 5, "spec.selector", "expected fields, found text"),
        ("{app: web}", "{app: 1}", 5, "spec.selector.matchLabels.app", "\"1\" in quotes"),
        ("{app: web}", "{app: }", 5, "spec.selector.matchLabels.app", "has no value"),
        ("{app: web}", "[app]", 5, "spec.selector.matchLabels", "expected fields, found a list"),
        ("{app: web}", "{'': a}", 5, "spec.selector.matchLabels.", "without a name"),
        ("{matchLabels: {app: web}}", "{matchLabels: {app: web}, matchExpresions: []}", 5, "spec.selector.matchExpresions", "did you mean matchExpressions?"),
        ("{matchLabels:", "{matchLabel:", 5, "spec.selector.matchLabel", "did you mean matchLabels?"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: In}]}", 5, "spec.selector.matchExpressions[0].values", "missing"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: In, values: []}]}", 5, "spec.selector.matchExpressions[0].values", "is empty"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: in, values: [a=b]}]}", 5, "spec.selector.matchExpressions[0].operator", "expected In or NotIn"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{operator: In, values: [a=b]}]}", 5, "spec.selector.matchExpressions[0].key", "missing"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: namespace, operator: In, values: [a=b]}]}", 5, "spec.selector.matchExpressions[0].key", "KubeArmorClusterPolicy"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: In, values: [a=b, a]}]}", 5, "spec.selector.matchExpressions[0].values[1]", "key=value"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: In, values: ['=b']}]}", 5, "spec.selector.matchExpressions[0].values[0]", "key=value"),
        ("{matchLabels: {app: web}}", "{matchExpressions: [{key: label, operator: In, values: [kubearmor.io/container.name=a]}]}", 5, "spec.selector.matchExpressions[0].values[0]", "in matchLabels"),
        ("{matchLabels: {app: web}}", "{matchExpressions: {key: label}}", 5, "spec.selector.matchExpressions", "expected a list"),
        ("{app: web}", "{kubearmor.io/container.name: 'web*'}", 5, "spec.selector.matchLabels.kubearmor.io/container.name", "compared exactly"),
        ("{app: web}", "{kubearmor.io/container.name: '[a, b c]'}", 5, "spec.selector.matchLabels.kubearmor.io/container.name", "compared exactly"),
        ("{app: web}", "{kubearmor.io/container.name: '[a'}", 5, "spec.selector.matchLabels.kubearmor.io/container.name", "compared exactly"),
        ("{app: web}", "{kubearmor.io/container.name: [a]}", 5, "spec.selector.matchLabels.kubearmor.io/container.name", "expected text, found a list"),
        ("shop}", "shop, annotations: {portcullis.io/allow-mounts: 'yes'}}", 3, "metadata.annotations.portcullis.io/allow-mounts", "expected \"true\""),
        ("shop}", "shop, annotations: {portcullis.io/allow-mounts: true}}", 3, "metadata.annotations.portcullis.io/allow-mounts", "\"true\" in quotes"),
        ("app: web", "app: web, app: other", 5, "", "the key app stands twice"), ("app: web", "app: &x web, b: *x", 5, "", "aliases"),
        ("app: web", "app: !!binary d2Vi", 5, "", "tags"),
    ])
    func refuses(_ old: String, _ new: String, _ line: Int, _ field: String, _ problem: String) {
        let file = changed(old, new)
        #expect(file.policies.isEmpty && file.errors.count == 1, "\(file.errors)")
        #expect(file.errors.first?.line == line && file.errors.first?.field == field, "\(file.errors)")
        #expect(file.errors.first?.problem.contains(problem) == true, "\(file.errors)")
    }

    @Test func eachUnknownFieldIsOneErrorHoweverMuchIsMissing() {
        let text = good.replacing("selector:", with: "slector:").replacing("apiVersion", with: "apiVersoin").replacing("metadata", with: "metdata")
        #expect(PolicySample.parse(text).errors.map(\.field) == ["apiVersoin", "metdata"])
        let both = PolicySample.parse(good.replacing("selector:", with: "slector:").replacing("file:", with: "fil:").replacing("process:", with: "proces:"))
        #expect(Set(both.errors.map(\.field)).count == both.errors.count && both.errors.contains { $0.field == "spec.slector" }, "\(both.errors)")
    }

    @Test func anUnknownFieldBesideWhatIsNeededIsAWarning() {
        let file = changed("name: p,", "name: p, annotation: {},")
        #expect(file.policies.count == 1 && file.errors.isEmpty && file.warnings.map(\.field) == ["metadata.annotation"], "\(file)")
        #expect(file.warnings.first?.problem == "unknown field, ignored; did you mean annotations?", "\(file.warnings)")
        #expect(PolicyParser.parse(Array(good.replacing("name: p,", with: "name: p, annotation: {},").utf8), file: "f", isStrict: true).policies.isEmpty)
    }

    @Test(arguments: [
        ("  selector: {matchLabels: {app: web}}\n", "", 5, "missing: selects every"), ("{matchLabels: {app: web}}", "{}", 5, "is empty: selects every"),
        ("{app: web}", "{}", 5, "is empty: selects every"), ("{app: web}", "", 5, "is empty: selects every"),
        ("{matchLabels: {app: web}}", "{matchLabels: {}, matchExpressions: [{key: label, operator: In, values: [a=b]}]}", 0, ""),
    ])
    func aSelectorWithoutConditionsIsTheWholeNamespace(_ old: String, _ new: String, _ line: Int, _ warning: String) throws {
        let file = changed(old, new)
        let policy = try #require(file.policies.first, "\(file.errors)")
        let container = ContainerLabels(namespace: "shop", containerName: "any")
        #expect(policy.selects(container) == (line > 0))
        #expect(!policy.selects(ContainerLabels(namespace: "other", containerName: "any")))
        #expect(file.warnings.map(\.line) == (line > 0 ? [line] : []) && file.warnings.allSatisfy { $0.problem.contains(warning) }, "\(file.warnings)")
    }

    @Test(arguments: ["KubeArmorNetworkPolicy"])
    func ignoresOtherKindsOfKubeArmorWithAWarning(_ kind: String) {
        // Its spec is not judged: the fields are others there.
        let file = PolicySample.parse(good.replacing("KubeArmorPolicy", with: kind).replacing("selector", with: "nodeSelector"))
        #expect(file.policies.isEmpty && file.errors.isEmpty)
        #expect(file.warnings.map(\.description) == ["p.yaml:2:7: kind: \(kind) is not supported yet: ignored"])
    }

    @Test func defaults() throws {
        let file = changed(", namespace: shop", "")
        let policy = try #require(file.policies.first)
        #expect(policy.identity == "default/p" && !policy.allowsMounts)
        #expect(policy.rules.map(\.action) == [.block] && policy.rules.map(\.severity) == [0])
        #expect(policy.rules.first?.tags == [] && policy.rules.first?.message == "")
    }

    @Test func kubeArmorsNamespaceOfBareContainersIsOurs() {
        let file = changed("namespace: shop", "namespace: container_namespace")
        #expect(file.policies.map(\.namespace) == ["default"] && file.warnings.map(\.field) == ["metadata.namespace"])
    }

    @Test func annotations() {
        let allowed = changed("shop}", "shop, annotations: {portcullis.io/allow-mounts: \"true\", other: x}}")
        #expect(allowed.policies.map(\.allowsMounts) == [true] && allowed.warnings.isEmpty)
        #expect(changed("shop}", "shop, annotations: {portcullis.io/allow-mounts: \"false\"}}").policies.map(\.allowsMounts) == [false])
        let misspelt = changed("shop}", "shop, annotations: {portcullis.io/allow-mount: \"true\"}}")
        #expect(misspelt.policies.map(\.allowsMounts) == [false])
        #expect(misspelt.warnings.first?.problem.contains("did you mean portcullis.io/allow-mounts?") == true)
    }

    @Test(arguments: [
        ("'[a, b]'", ["a", "b"]), ("'[container-1,,]'", ["container-1"]), ("'[]'", []), ("''", []), ("web", ["web"]),
        ("'[ a ,a ]'", ["a"]), ("'a,b'", ["a", "b"]),
    ] as [(String, [String])])
    func containerNames(_ text: String, _ names: [String]) {
        let file = changed("{app: web}", "{kubearmor.io/container.name: \(text)}")
        #expect(file.policies.map(\.selector) == [PolicySelector(containerNames: names)], "\(file.errors)")
    }

    @Test func inheritsFieldByField() throws {
        let spec = """
            severity: 2
            tags: [outer]
            message: outer
            action: Audit
            file:
              severity: 4
              matchPaths: [{path: /a}, {path: /b, severity: 6, tags: [], message: ''}, {path: /c, action: allow, tags: [own], message: own}]
            process: {action: block, message: inner, matchPaths: [{path: /d}]}
            """
        let rules = try #require(PolicySample.parse(PolicySample.text(spec: spec)).policies.first).rules
        let shown = rules.map { "\($0.field) \($0.action.rawValue) \($0.severity) \($0.tags.joined()) \($0.message)" }
        #expect(
            shown == [
                "process.matchPaths[0] Block 2 outer inner", "file.matchPaths[0] Audit 4 outer outer",
                "file.matchPaths[1] Audit 6 outer outer",
                "file.matchPaths[2] Allow 4 own own",
            ])
    }

    @Test func targetsAsTheModelHasThem() throws {
        let spec = """
            process: {matchPaths: [{path: 'memfd:a//b/'}, {execname: apt, path: /x}], matchDirectories: [{dir: /, recursive: yes}, {dir: //a/b/}]}
            """
        let rules = try #require(PolicySample.parse(PolicySample.text(spec: spec)).policies.first).rules
        #expect(
            rules.map(\.target) == [
                .path("memfd:a//b/"), .executableName("apt"), .directory("", recursive: true), .directory("/a/b", recursive: false),
            ])
    }
}
