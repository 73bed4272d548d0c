/// What rules inherit field by field: from their section, and it from `spec`.
struct PolicyInheritance {
    var action: PolicyAction?
    var severity: Int?
    var tags: [String]?
    var message: String?

    static let fields = ["severity", "tags", "message", "action"]

    func filled(from outer: PolicyInheritance) -> PolicyInheritance {
        PolicyInheritance(
            action: action ?? outer.action, severity: severity ?? outer.severity, tags: tags ?? outer.tags,
            message: message ?? outer.message)
    }
}

extension PolicyFindings {
    mutating func rules(_ spec: PolicyFields) -> [PolicyRule] {
        var outer = inheritance(spec)
        outer.action = outer.action ?? .block
        var rules: [PolicyRule] = []
        for section in [PolicyRule.Section.process, .file] {
            guard let node = spec[section.rawValue] else { continue }
            rules += self.rules(node, section, outer)
        }
        if let node = spec[PolicyRule.Section.network.rawValue] { rules += networkRules(node, outer) }
        if let node = spec[PolicyRule.Section.capabilities.rawValue] { rules += capabilityRules(node, outer) }
        if let node = spec[PolicyRule.Section.presets.rawValue] { rules += presetRules(node, outer) }
        if let node = spec[PolicyRule.Section.syscalls.rawValue] { rules += syscallRules(node, outer) }
        if rules.count > PolicyParser.ruleLimit {
            error(spec.node, "spec", "\(rules.count) rules; a policy has at most \(PolicyParser.ruleLimit)")
        }
        return rules
    }

    private mutating func rules(_ node: YAMLNode, _ section: PolicyRule.Section, _ outer: PolicyInheritance) -> [PolicyRule] {
        let lists = ["matchPaths", "matchDirectories", "matchPatterns"]
        guard let fields = fields(node, "spec.\(section.rawValue)", known: lists + PolicyInheritance.fields) else { return [] }
        let inherited = inheritance(fields).filled(from: outer)
        var rules: [PolicyRule] = []
        var isEmpty = true
        for list in lists {
            for (index, element) in self.list(fields, list).enumerated() {
                isEmpty = false
                let place = RulePlace(section: section, list: list, name: element.name, field: "\(section.rawValue).\(list)[\(index)]")
                if let rule = rule(element.node, place, inherited) { rules.append(rule) }
            }
        }
        if isEmpty, !blameUnknown(fields) { warn(node, fields.name, "has no rules: it does nothing") }
        return rules
    }

    mutating func inheritance(_ fields: PolicyFields) -> PolicyInheritance {
        var result = PolicyInheritance(severity: number(fields, "severity", 1...10), message: text(fields, "message"))
        if result.message == "" { result.message = nil }
        let tags = list(fields, "tags").compactMap { text($0.node, $0.name) }
        if !tags.isEmpty { result.tags = tags }
        guard let node = fields["action"], let text = text(fields, "action") else { return result }
        let known: [PolicyAction] = [.allow, .audit, .block]
        // KubeArmor knows the lower-case words too.
        result.action = known.first { $0.rawValue == text || $0.rawValue.lowercased() == text }
        if result.action == nil {
            let hint = nearest(to: text, among: known.map(\.rawValue)).map { "; did you mean \($0)?" } ?? ""
            error(node, fields.name(of: "action"), "expected Allow, Audit or Block, found \(Self.shown(text))\(hint)")
        }
        return result
    }

    /// Where a rule stands.
    struct RulePlace {
        let section: PolicyRule.Section
        let list: String
        let name: String
        let field: String
    }

    private mutating func rule(_ node: YAMLNode, _ place: RulePlace, _ inherited: PolicyInheritance) -> PolicyRule? {
        let own: [String]
        switch (place.list, place.section) {
        case ("matchPaths", .process): own = ["path", "execname", "allowedArgs"]
        case ("matchPaths", .file): own = ["path", "readOnly"]
        case ("matchDirectories", .process): own = ["dir", "recursive"]
        case ("matchDirectories", .file): own = ["dir", "recursive", "readOnly"]
        case (_, .file): own = ["pattern", "readOnly"]
        default: own = ["pattern"]
        }
        let known = own + ["ownerOnly", "pts", "fromSource"] + PolicyInheritance.fields
        guard let fields = fields(node, place.name, known: known) else { return nil }
        let attributes = inheritance(fields).filled(from: inherited)
        let sources = sources(fields)
        let ownerOnly = flag(fields, "ownerOnly")
        let readOnly = place.section == .file && flag(fields, "readOnly")
        let withoutTerminal = withoutTerminal(fields)
        let arguments = allowedArguments(fields)
        guard let target = target(fields, place), let action = attributes.action else { return nil }
        var rule = PolicyRule(
            section: place.section, target: target, sources: sources, ownerOnly: ownerOnly, readOnly: readOnly, action: action,
            severity: attributes.severity ?? 0, tags: attributes.tags ?? [], message: attributes.message ?? "", field: place.field,
            line: node.line)
        rule.withoutTerminal = withoutTerminal
        rule.allowedArguments = arguments
        return rule
    }

    /// `pts`, of which only `false` means something.
    mutating func withoutTerminal(_ fields: PolicyFields) -> Bool {
        guard fields["pts"] != nil else { return false }
        let errorsBefore = errorCount
        if !flag(fields, "pts") { return errorCount == errorsBefore }
        warn(fields, "pts", "only pts: false has a meaning: ignored")
        return false
    }

    /// `allowedArgs`, each once.
    private mutating func allowedArguments(_ fields: PolicyFields) -> [String] {
        var arguments: [String] = []
        var seen: Set<[UInt8]> = []
        for (node, name) in list(fields, "allowedArgs") {
            guard let text = text(node, name) else { continue }
            guard text.utf8.count <= Self.argumentLimit else {
                error(node, name, "\(text.utf8.count) bytes; an argument is compared up to \(Self.argumentLimit)")
                continue
            }
            if seen.insert(Array(text.utf8)).inserted { arguments.append(text) }
        }
        if arguments.count > Self.argumentsLimit {
            error(fields, "allowedArgs", "\(arguments.count) arguments; a rule has at most \(Self.argumentsLimit)")
        }
        if let node = fields["allowedArgs"], case .sequence(let elements) = node.value, elements.isEmpty {
            warn(fields, "allowedArgs", "is empty: ignored, the rule counts whatever the arguments")
        }
        return arguments
    }

    private static var argumentLimit: Int { 4000 }
    private static var argumentsLimit: Int { 1000 }

    private mutating func target(_ fields: PolicyFields, _ place: RulePlace) -> PolicyRule.Target? {
        switch place.list {
        case "matchPaths":
            let checked = fields["path"].flatMap { path($0, fields.name(of: "path")) }
            if let node = fields["execname"] {
                if fields["path"] != nil {
                    warn(fields, "execname", "execname and path together: execname counts, as in KubeArmor, and path is ignored")
                }
                return executableName(node, fields.name(of: "execname")).map { .executableName($0) }
            }
            guard fields["path"] != nil else {
                missing(fields, "path", place.section == .process ? "missing: a rule needs path or execname" : "missing")
                return nil
            }
            return checked.map { .path($0) }
        case "matchDirectories":
            guard let node = fields["dir"] else {
                missing(fields, "dir")
                return nil
            }
            let recursive = flag(fields, "recursive")
            return directory(node, fields.name(of: "dir")).map { .directory($0, recursive: recursive) }
        default:
            guard let node = fields["pattern"] else {
                missing(fields, "pattern")
                return nil
            }
            return pattern(node, fields.name(of: "pattern")).map { .pattern($0) }
        }
    }

    /// - Parameter completesDirectories: A directory may lack its final slash, as it may in KubeArmor's rules about system calls.
    mutating func sources(_ fields: PolicyFields, completesDirectories: Bool = false) -> [PolicyRule.Source] {
        var result: [PolicyRule.Source] = []
        for (node, name) in list(fields, "fromSource") {
            guard let source = self.fields(node, name, known: ["path", "dir", "recursive"], narrows: true) else { continue }
            let recursive = flag(source, "recursive")
            switch (source["path"], source["dir"]) {
            case (let path?, nil):
                if recursive { warn(node, name + ".recursive", "only dir can be recursive: ignored") }
                if let path = self.path(path, name + ".path") { result.append(.path(path)) }
            case (nil, let dir?):
                if let directory = directory(dir, name + ".dir", completes: completesDirectories) { result.append(.directory(directory, recursive: recursive)) }
            case (nil, nil): missing(source, "path", "missing: a source needs path or dir")
            case (_?, _?): error(node, name, "a source has either path or dir")
            }
        }
        // Without sources the rule would be for everyone.
        if let node = fields["fromSource"], case .sequence(let elements) = node.value, elements.isEmpty {
            warn(fields, "fromSource", "is empty: the rule counts whoever acts")
        }
        return result
    }
}
