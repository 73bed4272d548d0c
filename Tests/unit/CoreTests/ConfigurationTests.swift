import Core
import Testing

@Suite struct ConfigurationTests {
    private func read(_ text: String?, _ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> Configuration {
        try ConfigurationSources(arguments: arguments, environment: environment).configuration(file: "c.yaml", text: text.map { Array($0.utf8) })
    }

    private func complaint(_ text: String?, _ arguments: [String] = [], _ environment: [String: String] = [:]) -> String {
        do {
            _ = try read(text, arguments, environment)
            return ""
        } catch { return "\(error)" }
    }

    @Test func precedenceIsFlagsEnvironmentFileDefault() throws {
        let variables = ["PORTCULLIS_CAPACITY": "300", "PORTCULLIS_LOG_LEVEL": "error"]
        let file = "capacity: 200\nlog-level: debug\nhost-events: true\n"
        #expect(try read(nil).capacity == 4096)
        #expect(try read(file).capacity == 200)
        #expect(try read(file, [], variables).capacity == 300)
        let all = try read(file, ["--capacity", "400"], variables)
        #expect(all.capacity == 400 && all.logLevel == .error && all.hostEvents)
        #expect(try read(file, ["--capacity=500"], variables).capacity == 500)
        #expect(try read("agent-namespace: a", [], ["PORTCULLIS_AGENT_NAMESPACE": "b"]).agentNamespace == "b")
        #expect(try read("agent-namespace: a", ["--agent-namespace="]).agentNamespace.isEmpty)
    }

    @Test(arguments: [
        ("capacity: many", "c.yaml:1:11: capacity: many is not a number from 16 to 65536"),
        ("log-level: info\ncapcity: 5", "c.yaml:2:1: unknown setting capcity; there are hook-socket"),
        ("capacity: [1]", "c.yaml:1:11: capacity takes a number"),
        ("capacity: 20\ncapacity: 30", "c.yaml:2:1: the key capacity stands twice"),
        ("- a", "c.yaml:1:1: expected settings"), ("a: b: c", "c.yaml:1:5: "), ("capacity: &x 20\nspool: *x", "aliases"),
        ("hook-socket: relative", "an absolute path of at most 107 bytes"), ("hook-socket: /a/../b", "absolute path"),
        ("hook-socket: /\(String(repeating: "x", count: 107))", "at most 107 bytes"), ("host-events: yes", "true or false"),
        ("node-labels: web", "c.yaml:1:14: expected labels as name: value"), ("node-labels: {role: [a]}", "c.yaml:1:15: expected a label as name: value"),
        ("host-file-posture: no", "audit or block"), ("agent-namespace: a/b", "c.yaml:1:18: agent-namespace: a/b is not the name of a Kubernetes namespace, or empty"),
        ("capacity: ''", "an empty value is not a number"), ("capacity: 20\n---\nspool: /x", "only one document"),
    ])
    func namesPlaceAndWhatIsAllowed(_ text: String, _ expected: String) {
        let complaint = complaint(text)
        #expect(complaint.contains(expected), "\(complaint)")
    }

    @Test(arguments: [
        (["--capacity"], "--capacity needs a value"), (["--capcity", "1"], "unknown option --capcity"), (["x"], "unknown argument x"),
        (["--log-level", "loud"], "--log-level: loud is not debug, info, warning or error"),
    ])
    func namesTheFlag(_ arguments: [String], _ expected: String) {
        let complaint = complaint(nil, arguments)
        #expect(complaint.contains(expected), "\(complaint)")
    }

    @Test func namesTheEnvironmentVariable() {
        #expect(complaint(nil, [], ["PORTCULLIS_CAPACITY": "1"]).contains("environment variable PORTCULLIS_CAPACITY: 1 is not"))
    }

    @Test func namespacesHaveTheirOwnPostures() throws {
        let configuration = try read("""
            file-posture: block
            namespaces:
              shop: {network-posture: block, capabilities-posture: audit}
              lab:
                file-posture: loud
                network-posture: [block]
            """)
        let settings = PostureSettings(general: configuration.postures, namespaces: configuration.namespaces)
        #expect(settings.postures(in: "shop") == Postures(file: .block, network: .block, capabilities: .audit))
        #expect(settings.postures(in: "lab") == settings.general && settings.postures(in: "other") == Postures(file: .block, network: .audit, capabilities: .audit))
        #expect(
            configuration.warnings == [
                "c.yaml:5:19: lab: file-posture is not audit or block: the one for all counts",
                "c.yaml:6:22: lab: network-posture is not audit or block: the one for all counts",
            ], "\(configuration.warnings)")
    }

    @Test func namespacesHaveTheirOwnVisibility() throws {
        let configuration = try read("""
            visibility: process, dns
            namespaces:
              shop: {visibility: none}
              lab: {kubearmor-visibility: 'file,network', kubearmor-file-posture: block}
              odd: {visibility: everything}
            """)
        let expected: [(String, Set<Visibility.Class>)] = [
            ("other", [.process, .dns]), ("shop", []), ("lab", [.file, .network]), ("odd", [.process, .dns]),
        ]
        for (namespace, classes) in expected { #expect(configuration.visibility(in: namespace).classes == classes, "\(namespace)") }
        #expect(configuration.namespaces["lab"]?.file == .block && configuration.text(.visibility) == "process,dns")
        #expect(configuration.warnings.count == 1 && configuration.warnings[0].hasPrefix("c.yaml:5:21: odd: visibility is not none or some of process"), "\(configuration.warnings)")
    }

    @Test(arguments: [
        ("visibility: processes", "c.yaml:1:13: visibility: processes is not none or some of"),
        ("namespaces: [a]", "c.yaml:1:13: expected namespaces"), ("namespaces: {A_b: {}}", "c.yaml:1:14: A_b can be no namespace"),
        ("namespaces: {a: block}", "c.yaml:1:17: expected settings"),
        ("namespaces: {a: {capacity: 20}}", "c.yaml:1:18: unknown setting capacity of a namespace; there are file-posture, network-posture"),
    ])
    func aWrongNamespaceIsNamed(_ text: String, _ expected: String) {
        let complaint = complaint(text)
        #expect(complaint.contains(expected), "\(complaint)")
    }

    @Test func anEmptyFileIsTheDefaults() throws {
        #expect(try read("") == Configuration())
        #expect(try read("# nothing\n") == Configuration())
        #expect(try read("{}") == Configuration())
    }

    @Test func everySettingCanBeWrittenAsItIsShown() throws {
        let defaults = Configuration()
        for setting in Setting.allCases {
            var copy = defaults
            let applied = copy.apply(setting, defaults.text(setting))
            #expect(applied && copy == defaults, "\(setting.rawValue)")
            #expect(!setting.allowed.isEmpty && !setting.summary.isEmpty)
        }
    }

    @Test func deepAndLargeYAMLIsRefused() {
        #expect(throws: YAMLError.self) { _ = try YAMLParser.parse(Array(String(repeating: "[", count: 1_000).utf8)) }
        let wide = "[" + String(repeating: "1,", count: 200_000) + "1]"
        #expect(throws: YAMLError.self) { _ = try YAMLParser.parse(Array(wide.utf8)) }
    }
}
