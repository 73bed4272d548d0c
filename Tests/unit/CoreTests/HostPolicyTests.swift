import Testing

@testable import Core

/// Policies of hosts: which machine they are for, what of them counts, and what they must not lock out.
struct HostPolicyTests {
    private func text(_ selector: String, _ spec: String, annotations: String = "{}") -> String {
        PolicySample.text(spec: spec).replacing("KubeArmorPolicy", with: "KubeArmorHostPolicy").replacing(", namespace: shop", with: ", annotations: \(annotations)")
            .replacing("selector: {matchLabels: {app: web}}", with: "nodeSelector: \(selector)")
    }

    private func policy(_ selector: String, _ spec: String = "process: {matchPaths: [{path: /bin/x}]}", annotations: String = "{}") throws -> Policy {
        let parsed = PolicySample.parse(text(selector, spec, annotations: annotations))
        return try #require(parsed.policies.first, "\(parsed.errors)")
    }

    static let all = "{matchLabels: {kubearmor.io/hostname: '*'}}"

    @Test(arguments: [
        (all, true), ("{matchLabels: {kubernetes.io/hostname: '*'}}", true), ("{matchLabels: {kubearmor.io/hostname: one}}", true),
        ("{matchLabels: {kubearmor.io/hostname: 'two, one'}}", true), ("{matchLabels: {kubearmor.io/hostname: onee}}", false),
        ("{matchLabels: {kubearmor.io/hostname: two}}", false), ("{matchLabels: {role: db}}", true), ("{matchLabels: {role: '*'}}", false),
        ("{matchLabels: {role: db, kubernetes.io/hostname: one}}", true), ("{matchLabels: {role: db, zone: a}}", false), ("{}", false), ("{matchLabels: {}}", false),
    ])
    func selectsNodes(_ selector: String, _ isSelected: Bool) throws {
        let node = NodeLabels(labels: ["role": "db"], hostName: "one")
        var library = PolicyLibrary(node: node)
        library.update(file: "a", text: Array(text(selector, "process: {matchPaths: [{path: /bin/x}]}").utf8))
        #expect(library.policies.map(\.identity) == ["_host/p"], "\(library.problems)")
        #expect(library.selected(for: node).count == (isSelected ? 1 : 0))
        // And no container, whatever its labels are.
        #expect(library.selected(for: ContainerLabels(namespace: "_host", containerName: "one", labels: ["role": "db"])).isEmpty)
        let note = PolicyReach.note(library.policies[0], containers: [], node: node)
        #expect((note == nil) == isSelected && note.map { $0.contains("it is called one and has the labels role=db") } != false, "\(note ?? "")")
    }

    @Test func aConfiguredNameGoesBeforeTheMachinesOwn() throws {
        let node = NodeLabels(labels: ["kubernetes.io/hostname": "node-7"], hostName: "one")
        #expect(node.isSelected(by: try policy("{matchLabels: {kubernetes.io/hostname: node-7}}").selector))
        #expect(!node.isSelected(by: try policy("{matchLabels: {kubernetes.io/hostname: one}}").selector))
        #expect(node.isSelected(by: try policy("{matchLabels: {kubearmor.io/hostname: one}}").selector))
    }

    @Test(arguments: [
        ("{matchLabels: {kubearmor.io/hostname: ','}}", "spec.nodeSelector.matchLabels.kubearmor.io/hostname", "names no host"),
        ("{matchLabel: {a: b}}", "spec.nodeSelector.matchLabel", "did you mean matchLabels?"), ("[a]", "spec.nodeSelector", "expected fields"),
        ("{matchLabels: {kubearmor.io/hostnamereg: 'a.*'}}", "spec.nodeSelector.matchLabels.kubearmor.io/hostnamereg", "expressions are not read: write kubearmor.io/hostname with"),
        ("{matchLabels: {a: 5}}", "spec.nodeSelector.matchLabels.a", "found a number"),
    ])
    func refusesAWrongSelector(_ selector: String, _ field: String, _ problem: String) {
        let parsed = PolicySample.parse(text(selector, "process: {matchPaths: [{path: /bin/x}]}"))
        #expect(parsed.policies.isEmpty && parsed.errors.map(\.field) == [field] && parsed.errors[0].problem.contains(problem), "\(parsed.errors)")
    }

    @Test func anAllowForEverybodyIsIgnoredWithAWarning() {
        let parsed = PolicySample.parse(text(Self.all, """
            action: Allow
            process:
              matchPaths:
              - path: /bin/a
              - {path: /bin/b, fromSource: [{path: /bin/c}]}
            network: {matchProtocols: [{protocol: tcp}]}
            """))
        #expect(parsed.policies.first?.rules.map(\.field) == ["process.matchPaths[1]"], "\(parsed.errors)")
        #expect(parsed.warnings.map { "\($0.line) \($0.field)" } == ["9 spec.process.matchPaths[0]", "11 spec.network.matchProtocols[0]"], "\(parsed.warnings)")
        #expect(parsed.warnings.allSatisfy { $0.problem.contains("Allow needs fromSource") })
    }

    @Test func presetsAreForContainers() {
        let parsed = PolicySample.parse(text(Self.all, "presets: [{name: exec}]"))
        #expect(parsed.errors.map(\.field) == ["spec.presets"] && parsed.errors[0].problem.contains("unknown field"), "\(parsed)")
    }

    private let hazard = HostHazard(
        HostHazard.Essentials(programs: ["/usr/lib/systemd/systemd", "/usr/bin/bash", "/usr/sbin/portcullisd"], libraries: ["/usr/lib/ld.so"], written: ["/dev/null"]), posture: .block)

    static let harmful = [
        ("process: {matchDirectories: [{dir: /, recursive: true}]}", "any program could not run /usr/lib/systemd/systemd (process.matchDirectories[0], line 6)"),
        ("process: {matchPaths: [{path: /usr/sbin/portcullisd}]}", "any program could not run /usr/sbin/portcullisd"),
        ("process: {matchPaths: [{execname: bash}]}", "could not run /usr/bin/bash"),
        ("process: {matchPaths: [{path: /usr/bin/bash, pts: false}]}", "could not run /usr/bin/bash"),
        ("file: {matchPatterns: [{pattern: /usr/lib/*}]}", "any program could not open /usr/lib/ld.so (file.matchPatterns[0], line 6)"),
        ("file: {matchPaths: [{path: /usr/lib/ld.so, fromSource: [{path: /usr/bin/bash}]}]}", "/usr/bin/bash could not open /usr/lib/ld.so"),
        ("action: Allow\nfile: {matchDirectories: [{dir: /srv/, fromSource: [{path: /usr/bin/web}]}]}", "could not open /usr/lib/ld.so (what no rule allows is blocked)"),
        ("network: {matchProtocols: [{protocol: tcp}]}", "any program could not use TCP"), ("network: {matchProtocols: [{protocol: stream}]}", "UNIX stream sockets"),
        ("capabilities: {matchCapabilities: [{capability: setuid}]}", "could not use setuid"), ("network: {matchProtocols: [{protocol: raw}]}", "netlink sockets"),
        ("file: {matchDirectories: [{dir: /, recursive: true, readOnly: true}]}", "could not write to /dev/null"),
        ("process: {matchPaths: [{path: /usr/bin/bash, ownerOnly: true}]}", "could not run /usr/bin/bash"),
    ]

    @Test(arguments: harmful)
    func saysWhatWouldBeLockedOut(_ spec: String, _ expected: String) throws {
        let problem = hazard.problem(of: try policy(Self.all, spec))
        #expect(problem?.problem.contains(expected) == true && problem?.problem.contains("--force") == true, "\(problem?.problem ?? "nothing")")
        #expect(hazard.problem(of: try policy(Self.all, spec, annotations: "{portcullis.io/force: 'true'}")) == nil)
    }

    @Test(arguments: [
        "process: {matchPaths: [{path: /usr/bin/curl}]}", "file: {matchPaths: [{path: /etc/shadow, readOnly: true}]}",
        "process: {matchPaths: [{path: /usr/bin/bash, fromSource: [{path: /usr/sbin/nginx}]}]}",
        "action: Audit\nprocess: {matchDirectories: [{dir: /, recursive: true}]}", "network: {matchProtocols: [{protocol: raw, fromSource: [{path: /usr/bin/nmap}]}]}", "network: {matchProtocols: [{protocol: icmp}]}",
    ])
    func whatLocksNobodyOutIsTaken(_ spec: String) throws {
        #expect(hazard.findings(try policy(Self.all, spec)).isEmpty)
    }

    @Test func anHarmfulPolicyIsRefusedUnlessItIsMeant() throws {
        let node = NodeLabels(hostName: "one"), harmful = Array(text(Self.all, "process: {matchPaths: [{execname: bash}]}").utf8)
        var library = PolicyLibrary(node: node, hazard: hazard)
        #expect(library.apply(harmful, name: "x").errors.map(\.problem).first?.contains("would lock people out") == true && library.policies.isEmpty)
        library.update(file: "a", text: harmful)
        #expect(library.policies.isEmpty && library.problems.count == 1)
        library.update(file: "a", text: nil)
        #expect(library.apply(harmful, name: "x", isMeant: true).errors.isEmpty && library.policies.count == 1)
        // What is stored says whether it was meant; what was not is held back.
        var meant = PolicyLibrary(node: node, hazard: hazard), other = meant
        let stored = try #require(meant.apply(harmful, name: "x", isMeant: true).writes.first?.text)
        for (text, isInForce) in [(stored, true), (harmful, false)] {
            var next = PolicyLibrary(node: node, hazard: hazard)
            next.restore("_host/p", text, name: "stored")
            #expect(next.policies.count == 1 && next.selected(for: node).count == (isInForce ? 1 : 0) && next.problems.isEmpty == isInForce, "\(next.problems)")
        }
        // For another machine it does no harm here.
        other.update(file: "a", text: Array(text("{matchLabels: {kubearmor.io/hostname: two}}", "process: {matchPaths: [{execname: bash}]}").utf8))
        #expect(other.problems.isEmpty)
        // But when it becomes that one, it is held back, and said.
        let hasChanged = other.update(node: NodeLabels(hostName: "two"), hostPosture: .block)
        #expect(hasChanged)
        #expect(other.selected(for: NodeLabels(hostName: "two")).isEmpty && other.problems.count == 1)
    }

    @Test func anotherPostureIsHeldAgainstWhatIsThere() {
        let node = NodeLabels(hostName: "one")
        var library = PolicyLibrary(node: node, hazard: HostHazard(hazard.essentials, posture: .audit))
        library.update(file: "a", text: Array(text(Self.all, "action: Allow\nfile: {matchDirectories: [{dir: /srv/, fromSource: [{path: /usr/bin/web}]}]}").utf8))
        #expect(library.selected(for: node).count == 1 && library.problems.isEmpty)
        for (posture, isChange) in [(Postures.block, true), (.block, false), (.audit, true)] {
            let hasChanged = library.update(node: node, hostPosture: posture)
            #expect(hasChanged == isChange && library.selected(for: node).isEmpty == (posture == .block) && library.problems.isEmpty == (posture == .audit))
        }
    }
}
