/// Reads policies from YAML: `KubeArmorPolicy`, `KubeArmorClusterPolicy` and `KubeArmorHostPolicy` documents of `security.kubearmor.com/v1`.
///
/// Anything that would make a policy mean less, more or something else than its author wrote is an error, and its document gives no policy; but a field that
/// nobody knows is a warning, as in Kubernetes, where nothing else is wrong.
public enum PolicyParser {
    /// Bytes of a file; a bigger one is one error, and whoever reads files need not read it.
    public static let fileLimit = 4 << 20
    /// Documents of a file.
    public static let documentLimit = 1000
    /// Rules of a policy.
    public static let ruleLimit = 10_000
    /// Values of a document: some forty for each of as many rules.
    static let nodeLimit = 400_000
    /// Errors of a file that are listed, and warnings likewise; the rest is counted.
    public static let problemLimit = 200

    /// The one API version there is.
    public static let apiVersion = "security.kubearmor.com/v1"
    /// The annotation that lets a policy's containers change their mounts.
    public static let allowMountsAnnotation = "portcullis.io/allow-mounts"
    /// The annotation of a policy of hosts that is meant even where it would lock people out.
    public static let forceAnnotation = "portcullis.io/force"

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - file: What the file is called in problems and in `Policy.origin`.
    ///   - isStrict: Unknown fields are errors. Else they are warnings, unless something is missing beside them that they may be meant to be.
    public static func parse(_ text: [UInt8], file: String, isStrict: Bool = false) -> PolicyFile { parseParts(text, file: file, isStrict: isStrict).file }

    /// What belongs to one policy of a file alone.
    struct Part {
        let bytes: Range<Int>
        let warnings: [PolicyProblem]
    }

    /// Reads a whole file, and says what of it belongs to each policy.
    static func parseParts(_ text: [UInt8], file: String, isStrict: Bool = false) -> (file: PolicyFile, parts: [Part]) {
        var findings = PolicyFindings(file: file, isStrict: isStrict)
        var result = PolicyFile()
        var parts: [Part] = []
        if text.count > fileLimit {
            findings.error(1, 1, "", tooBig)
        } else {
            var lines: [String: Int] = [:]
            for document in YAMLParser.documents(text, limit: documentLimit, nodeLimit: nodeLimit) {
                let errorsBefore = findings.errorCount
                let warningsBefore = findings.warnings.count
                guard let policy = findings.policy(document) else { continue }
                if let line = lines[policy.identity] {
                    findings.error(policy.origin.line, 1, "metadata.name", "\(policy.identity) is defined at \(file):\(line) already")
                }
                guard findings.errorCount == errorsBefore else { continue }
                lines[policy.identity] = policy.origin.line
                result.policies.append(policy)
                parts.append(Part(bytes: document.bytes, warnings: Array(findings.warnings[warningsBefore...])))
            }
        }
        result.errors = findings.allErrors
        result.warnings = findings.allWarnings
        return (result, parts)
    }

    /// What is wrong with a file beyond `fileLimit`.
    static let tooBig = "the file has more than \(fileLimit >> 20) MiB"
}

extension PolicyFindings {
    private static let kinds = ["KubeArmorPolicy", "KubeArmorClusterPolicy", "KubeArmorHostPolicy"]
    private static let otherKinds = ["KubeArmorNetworkPolicy"]
    /// Kubernetes' object metadata. What it does not say about a policy is not read.
    private static let metadataFields = [
        "name", "namespace", "annotations", "labels", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "finalizers", "generateName", "managedFields", "ownerReferences", "selfLink",
    ]
    private static let enforcedSections = ["process", "file", "network", "capabilities", "syscalls"]
    private static let unenforcedSections = ["apparmor"]

    /// The policy of a document. With an error among the findings it must not be used.
    fileprivate mutating func policy(_ document: YAMLDocument) -> Policy? {
        switch document.content {
        case .failure(let problem):
            let rest = document.endsTheText ? " (nothing from here on can be read)" : ""
            error(problem.line, problem.column, "", Self.shown(problem.problem) + rest)
            return nil
        case .success(let root):
            return root.isNull ? nil : policy(root)
        }
    }

    private mutating func policy(_ root: YAMLNode) -> Policy? {
        // The kind first: the fields of another kind are not for us to judge.
        guard let all = anyFields(root, ""), let kind = kind(all) else { return nil }
        let isClusterWide = kind == "KubeArmorClusterPolicy", isForHosts = kind == "KubeArmorHostPolicy"
        guard let top = fields(root, "", known: ["apiVersion", "kind", "metadata", "spec", "status"]) else { return nil }
        checkVersion(top)
        guard let metadataNode = top["metadata"] else {
            missing(top, "metadata", "missing: a policy needs a name")
            return nil
        }
        guard let metadata = fields(metadataNode, "metadata", known: Self.metadataFields) else { return nil }
        let name = name(metadata)
        let namespace = isClusterWide || isForHosts ? noNamespace(metadata, kind, isForHosts ? Policy.hostNamespace : Policy.clusterNamespace) : namespace(metadata)
        let (allowsMounts, isForced) = annotations(metadata, isForHosts: isForHosts)
        guard let specNode = top["spec"] else {
            missing(top, "spec")
            return nil
        }
        let unenforced = Self.unenforcedSections + (isForHosts ? ["device"] : []), enforced = Self.enforcedSections + (isForHosts ? [] : ["presets"])
        let known = [isForHosts ? "nodeSelector" : "selector"] + PolicyInheritance.fields + enforced + unenforced
        guard let spec = fields(specNode, "spec", known: known) else { return nil }
        for section in unenforced where spec[section] != nil {
            warn(spec, section, "not enforced by this version: the section is ignored")
        }
        if (enforced + unenforced).allSatisfy({ spec[$0] == nil }), !blameUnknown(spec) {
            warn(top, "spec", "has no rules: it does nothing")
        }
        let selector = isForHosts ? nodeSelector(spec) : selector(spec, isClusterWide: isClusterWide)
        var rules = rules(spec)
        if isForHosts { rules = withoutIgnored(rules) }
        guard let name, let selector else { return nil }
        return Policy(
            name: name, namespace: namespace, selector: selector, rules: rules, allowsMounts: allowsMounts, isForced: isForced,
            origin: Policy.Origin(file: file, line: root.line))
    }

    /// One of `kinds`; nil if the document is none that is read.
    private mutating func kind(_ fields: PolicyFields) -> String? {
        let expected = "expected \(Self.kinds.dropLast().joined(separator: ", ")) or \(Self.kinds[Self.kinds.count - 1])"
        guard fields["kind"] != nil else {
            error(fields.node, "kind", "missing: \(expected)")
            return nil
        }
        guard let kind = text(fields, "kind"), let node = fields["kind"] else { return nil }
        if Self.otherKinds.contains(kind) {
            warn(node, "kind", "\(kind) is not supported yet: ignored")
            return nil
        }
        guard Self.kinds.contains(kind) else {
            let hint = nearest(to: kind, among: Self.kinds).map { "did you mean \($0)?" } ?? expected
            error(node, "kind", "\(Self.shown(kind)) is no policy; \(hint)")
            return nil
        }
        return kind
    }

    /// A policy of the cluster or of hosts is in none; what stands for it is `instead`.
    private mutating func noNamespace(_ metadata: PolicyFields, _ kind: String, _ instead: String) -> String {
        if metadata["namespace"] != nil { warn(metadata, "namespace", "ignored: a \(kind) is in no namespace") }
        return instead
    }

    private mutating func checkVersion(_ top: PolicyFields) {
        guard let node = top["apiVersion"] else { return missing(top, "apiVersion", "missing: expected \(PolicyParser.apiVersion)") }
        if let version = text(top, "apiVersion"), version != PolicyParser.apiVersion {
            error(node, "apiVersion", "\(Self.shown(version)) is not known; expected \(PolicyParser.apiVersion)")
        }
    }

    private mutating func name(_ metadata: PolicyFields) -> String? {
        guard let node = metadata["name"] else {
            missing(metadata, "name", "missing: a policy needs a name")
            return nil
        }
        guard let name = text(node, "metadata.name") else { return nil }
        guard KubernetesName.isObject(name) else {
            error(
                node, "metadata.name",
                "a name has 1 to 253 lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit")
            return nil
        }
        return name
    }

    private mutating func namespace(_ metadata: PolicyFields) -> String {
        let fallback = ContainerLabels.defaultNamespace
        guard let node = metadata["namespace"], let name = text(node, "metadata.namespace") else { return fallback }
        if name == "container_namespace" {
            warn(
                node, "metadata.namespace",
                "KubeArmor's name for containers outside Kubernetes; here it is \(fallback)")
            return fallback
        }
        guard KubernetesName.isNamespace(name) else {
            error(
                node, "metadata.namespace",
                "a namespace has 1 to 63 lower-case letters, digits and '-', and begins and ends with a letter or digit")
            return name
        }
        return name
    }

    private mutating func annotations(_ metadata: PolicyFields, isForHosts: Bool) -> (allowsMounts: Bool, isForced: Bool) {
        guard let node = metadata["annotations"], let annotations = anyFields(node, "metadata.annotations") else { return (false, false) }
        let known = isForHosts ? PolicyParser.forceAnnotation : PolicyParser.allowMountsAnnotation
        for member in annotations.members where member.key.hasPrefix("portcullis.io/") && member.key != known {
            let hint = nearest(to: member.key, among: [known]).map { "; did you mean \($0)?" } ?? ""
            warn(member.line, member.column, annotations.name(of: Self.shown(member.key)), "unknown annotation: ignored\(hint)")
        }
        let isSet = isSet(annotations, known)
        return (isSet && !isForHosts, isSet && isForHosts)
    }

    private mutating func isSet(_ annotations: PolicyFields, _ key: String) -> Bool {
        guard let value = annotations[key], let text = text(value, annotations.name(of: key)) else { return false }
        if text != "true", text != "false" { error(value, annotations.name(of: key), "expected \"true\" or \"false\"") }
        return text == "true"
    }
}
