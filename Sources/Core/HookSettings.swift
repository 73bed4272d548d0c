import HookWire

/// The hook's configuration file, by the hook's own rules: it leaves a file that is wrong out as a whole, and says so where few look.
public enum HookSettings {
    /// Where the hook looks.
    public static let usualPath = "/etc/portcullis/hook.json"

    /// What the hook would say about a file; nil if it takes it.
    public static func problem(in bytes: [UInt8]) -> String? {
        var problem: String?
        do throws(JSONError) {
            var reader = JSONReader(ArraySource(bytes))
            let mark = try reader.beginObject()
            var isFirst = true, name: [UInt8] = []
            while try reader.nextKey(mark, first: &isFirst, name: &name) {
                let key = String(decoding: name, as: UTF8.self)
                guard let rule = rules[key] else { return "\(key): unknown setting" }
                if rule.isList {
                    try reader.beginArray()
                    var isFirstElement = true
                    while try reader.nextElement(first: &isFirstElement) {
                        let value = try reader.readString(limit: HookLimits.path)
                        problem = problem ?? Self.problem(key, rule, value)
                    }
                } else {
                    let value = try reader.readString(limit: HookLimits.path)
                    problem = problem ?? Self.problem(key, rule, value)
                }
            }
            try reader.finish()
        } catch { return "\(error.reason), at byte \(error.offset)" }
        return problem
    }

    private struct Rule {
        var isList = false
        /// What the value has to be, and how to know.
        var takes = "a value"
        var accepts: @Sendable (String) -> Bool = { _ in true }
    }

    private static let path = Rule(takes: "an absolute path") { $0.hasPrefix("/") }
    private static let rules: [String: Rule] = [
        "socket": path, "spool": path, "replay-program": path,
        "timeout": Rule(takes: "1ms to 10s, as in 500ms or 2s", accepts: isTimeout),
        "on-failure": Rule(takes: "allow or deny") { $0 == "allow" || $0 == "deny" },
        "allow-namespace": Rule(isList: true), "deny-namespace": Rule(isList: true),
        "agent-annotation": Rule(takes: "KEY=VALUE") { $0.utf8.contains(UInt8(ascii: "=")) },
    ]

    private static func problem(_ key: String, _ rule: Rule, _ value: [UInt8]) -> String? {
        guard !value.isEmpty, !value.contains(0) else { return "\(key): needs a value" }
        return rule.accepts(String(decoding: value, as: UTF8.self)) ? nil : "\(key): takes \(rule.takes)"
    }

    @Sendable private static func isTimeout(_ text: String) -> Bool {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...7).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)) else { return false }
        switch String(text.dropFirst(digits.count)) {
        case "", "s": return (1...10).contains(number)
        case "ms": return (1...10_000).contains(number)
        default: return false
        }
    }
}
