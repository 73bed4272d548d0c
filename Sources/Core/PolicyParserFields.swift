/// A mapping of a policy, with the name its fields are called by in messages.
struct PolicyFields {
    let node: YAMLNode
    var members: [YAMLNode.Member]
    let name: String
    /// What is no field of it. It may be the misspelt name of one that seems to be missing.
    var unknown: [Unknown] = []

    struct Unknown {
        let line: Int
        let column: Int
        let name: String
        let hint: String
    }

    /// The field's value; nil if it is absent or null, which Kubernetes takes for absent.
    subscript(_ key: String) -> YAMLNode? {
        guard let value = members.first(where: { $0.key == key })?.value, !value.isNull else { return nil }
        return value
    }

    /// The key's line and column: where a list begins is one line below.
    func place(of key: String) -> (line: Int, column: Int) {
        members.first { $0.key == key }.map { ($0.line, $0.column) } ?? (node.line, node.column)
    }

    func name(of key: String) -> String { name.isEmpty ? key : name + "." + key }
}

extension YAMLNode {
    /// Nothing, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, quoted: false) = value else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What a message calls it.
    var kindName: String {
        switch value {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(_, quoted: true): "text"
        case .scalar(let text, quoted: false):
            isNull ? "nothing" : YAMLScalar.boolean(text) != nil ? "true or false" : YAMLScalar.isNumber(text) ? "a number" : "text"
        }
    }
}

/// What plain text stands for in YAML 1.1, as Kubernetes' tools read it. A policy must not mean one thing there and another here.
enum YAMLScalar {
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": true
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": false
        default: nil
        }
    }

    static func isNumber(_ text: String) -> Bool {
        let sign = text.hasPrefix("-") || text.hasPrefix("+")
        let digits = String(text.dropFirst(sign ? 1 : 0).filter { $0 != "_" })
        guard let first = digits.utf8.first else { return false }
        if [".inf", ".Inf", ".INF"].contains(digits) || [".nan", ".NaN", ".NAN"].contains(text) { return true }
        guard first == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] where digits.hasPrefix(prefix) {
            return UInt64(digits.dropFirst(2), radix: radix) != nil
        }
        return digits != "." && Double(digits.hasSuffix(".") ? digits + "0" : digits) != nil
    }
}

extension PolicyFindings {
    private mutating func refuse(_ unknown: PolicyFields.Unknown) {
        error(unknown.line, unknown.column, unknown.name, "unknown field; \(unknown.hint)")
    }

    /// Something is missing that was probably misspelt: then what is unknown there is an error, and not to be ignored. False if nothing is.
    mutating func blameUnknown(_ fields: PolicyFields) -> Bool {
        for unknown in fields.unknown where refuses(unknown.line, unknown.column) {
            retractWarning(unknown.line, unknown.column, unknown.name)
            refuse(unknown)
        }
        return !fields.unknown.isEmpty
    }

    /// Fields that narrow a rule in some list. Where they are none, the rule would mean more than was written.
    private static let conditions: Set = ["allowedArgs", "pts", "ownerOnly", "readOnly", "fromSource"]

    /// The fields of a mapping. What is no field of it is named with the nearest that is one: a warning, unless whoever reads without it would take the policy for a wider one.
    ///
    /// - Parameter narrows: All that this mapping says makes a policy or a rule narrower.
    mutating func fields(_ node: YAMLNode, _ name: String, known: [String], narrows: Bool = false) -> PolicyFields? {
        guard var fields = anyFields(node, name) else { return nil }
        for member in fields.members where !known.contains(member.key) {
            let hint = nearest(to: member.key, among: known).map { "did you mean \($0)?" }
                ?? "there are \(known.joined(separator: ", "))"
            let unknown = PolicyFields.Unknown(line: member.line, column: member.column, name: fields.name(of: Self.shown(member.key)), hint: hint)
            fields.unknown.append(unknown)
            if isStrict || narrows || Self.conditions.contains(member.key) {
                if refuses(unknown.line, unknown.column) { refuse(unknown) }
            } else { warn(unknown.line, unknown.column, unknown.name, "unknown field, ignored; \(hint)") }
        }
        // What is unknown here may have a meaning elsewhere; it must have none here.
        fields.members.removeAll { !known.contains($0.key) }
        return fields
    }

    mutating func error(_ fields: PolicyFields, _ key: String, _ problem: String) {
        let place = fields.place(of: key)
        error(place.line, place.column, fields.name(of: key), problem)
    }

    mutating func warn(_ fields: PolicyFields, _ key: String, _ problem: String) {
        let place = fields.place(of: key)
        warn(place.line, place.column, fields.name(of: key), problem)
    }

    /// Reports that a field is not there.
    mutating func missing(_ fields: PolicyFields, _ key: String, _ problem: String = "missing") {
        guard !blameUnknown(fields) else { return }
        error(fields.node, fields.name(of: key), problem)
    }

    /// The fields of a mapping whose names are free.
    mutating func anyFields(_ node: YAMLNode, _ name: String) -> PolicyFields? {
        guard case .mapping(let members) = node.value else {
            error(node, name, "expected fields, found \(node.kindName)")
            return nil
        }
        return PolicyFields(node: node, members: members, name: name)
    }

    mutating func text(_ fields: PolicyFields, _ key: String) -> String? {
        fields[key].flatMap { text($0, fields.name(of: key)) }
    }

    mutating func text(_ node: YAMLNode, _ name: String) -> String? {
        guard case .scalar(let text, let quoted) = node.value, !node.isNull else {
            error(node, name, "expected text, found \(node.kindName)")
            return nil
        }
        if !quoted, YAMLScalar.boolean(text) != nil || YAMLScalar.isNumber(text) {
            error(node, name, "expected text, found \(node.kindName): write \"\(Self.shown(text))\" in quotes")
            return nil
        }
        guard !text.utf8.contains(0) else {
            error(node, name, "holds a NUL character")
            return nil
        }
        return text
    }

    mutating func flag(_ fields: PolicyFields, _ key: String) -> Bool {
        guard let node = fields[key] else { return false }
        if case .scalar(let text, quoted: false) = node.value, let value = YAMLScalar.boolean(text) { return value }
        let name = fields.name(of: key)
        if case .scalar(let text, quoted: true) = node.value, YAMLScalar.boolean(text) != nil {
            error(node, name, "expected true or false, found text: leave the quotes out")
        } else {
            error(node, name, "expected true or false, found \(node.kindName)")
        }
        return false
    }

    mutating func number(_ fields: PolicyFields, _ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = fields[key] else { return nil }
        if case .scalar(let text, quoted: false) = node.value, let number = Int(text), range.contains(number) { return number }
        error(node, fields.name(of: key), "expected a number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// The elements of a list; empty if there is none.
    mutating func list(_ fields: PolicyFields, _ key: String) -> [(node: YAMLNode, name: String)] {
        guard let node = fields[key] else { return [] }
        let name = fields.name(of: key)
        guard case .sequence(let elements) = node.value else {
            error(fields, key, "expected a list, found \(node.kindName)")
            return []
        }
        return elements.enumerated().map { ($0.element, "\(name)[\($0.offset)]") }
    }
}
