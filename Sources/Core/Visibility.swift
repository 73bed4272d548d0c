/// Which classes of telemetry are reported; KubeArmor's words. Alerts do not depend on it.
public struct Visibility: Hashable, Sendable {
    public enum Class: String, CaseIterable, Sendable { case process, file, network, capabilities, dns }

    public var classes: Set<Class>

    public init(_ classes: Set<Class>) { self.classes = classes }

    public static let all = Visibility(Set(Class.allCases))

    /// A list of classes apart by commas, or `none`; nil if it is neither.
    public init?(_ text: String) {
        if text == "none" {
            classes = []
            return
        }
        var found: Set<Class> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let one = Class(rawValue: String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())) else { return nil }
            found.insert(one)
        }
        classes = found
    }

    public var text: String {
        classes.isEmpty ? "none" : Class.allCases.filter(classes.contains).map(\.rawValue).joined(separator: ",")
    }
}
