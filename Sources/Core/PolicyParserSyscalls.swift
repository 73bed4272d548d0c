/// The section `syscalls`, whose rules report whatever the action says.
extension PolicyFindings {
    mutating func syscallRules(_ node: YAMLNode, _ outer: PolicyInheritance) -> [PolicyRule] {
        guard let fields = fields(node, "spec.syscalls", known: ["matchSyscalls", "matchPaths"] + PolicyInheritance.fields) else { return [] }
        let inherited = inheritance(fields).filled(from: outer)
        var rules: [PolicyRule] = []
        var isEmpty = true
        for (list, own) in [("matchSyscalls", [String]()), ("matchPaths", ["path", "recursive"])] {
            for (index, element) in self.list(fields, list).enumerated() {
                isEmpty = false
                guard let entry = self.fields(element.node, element.name, known: own + ["syscall", "fromSource"] + PolicyInheritance.fields) else { continue }
                rules += syscallRules(entry, hasPath: !own.isEmpty, field: "syscalls.\(list)[\(index)]", line: element.node.line, inherited)
            }
        }
        if isEmpty, !blameUnknown(fields) { warn(node, fields.name, "has no rules: it does nothing") }
        return rules
    }

    private mutating func syscallRules(
        _ entry: PolicyFields, hasPath: Bool, field: String, line: Int, _ inherited: PolicyInheritance
    ) -> [PolicyRule] {
        let attributes = inheritance(entry).filled(from: inherited)
        let sources = sources(entry, completesDirectories: true)
        var place = SystemCallPlace.anywhere
        if hasPath {
            guard let found = systemCallPlace(entry) else { return [] }
            place = found
        }
        let names = list(entry, "syscall")
        guard !names.isEmpty else {
            switch entry["syscall"]?.value {
            case nil: missing(entry, "syscall")
            case .sequence: error(entry, "syscall", "is empty: expected names of system calls")
            default: break
            }
            return []
        }
        return names.compactMap { node, name in
            guard let text = text(node, name) else { return nil }
            guard let call = SystemCall(named: text) else {
                error(node, name, "\(Self.shown(text)) is no system call that libseccomp knows")
                return nil
            }
            guard call.isHere else {
                warn(node, name, "this machine's architecture has no \(text): ignored")
                return nil
            }
            if hasPath, !call.hasPath { warn(node, name, "no path of \(text) is known: the rule never matches") }
            return PolicyRule(
                section: .syscalls, target: .systemCall(call, place), sources: sources, action: .audit, severity: attributes.severity ?? 0, tags: attributes.tags ?? [],
                message: attributes.message ?? "", field: field, line: line)
        }
    }

    /// `path`: a file, or with a slash at its end a directory.
    private mutating func systemCallPlace(_ entry: PolicyFields) -> SystemCallPlace? {
        let recursive = flag(entry, "recursive"), name = entry.name(of: "path")
        guard let node = entry["path"] else {
            missing(entry, "path")
            return nil
        }
        if case .scalar(let text, _) = node.value, text.hasSuffix("/") { return directory(node, name).map { .directory($0, recursive: recursive) } }
        if recursive { warn(entry, "recursive", "only a directory can be recursive, and a directory ends in /: ignored") }
        return path(node, name).map { .path($0) }
    }
}
