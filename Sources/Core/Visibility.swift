import CABI

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

    /// As the kernel's programs have it (`pc_see_flag`).
    public var flags: UInt64 { classes.reduce(0) { $0 | UInt64($1.flag.rawValue) } }

    public var text: String {
        classes.isEmpty ? "none" : Class.allCases.filter(classes.contains).map(\.rawValue).joined(separator: ",")
    }
}

extension Visibility.Class {
    var flag: pc_see_flag {
        switch self {
        case .process: PC_SEE_PROCESS
        case .file: PC_SEE_FILE
        case .network: PC_SEE_NETWORK
        case .capabilities: PC_SEE_CAPABILITIES
        case .dns: PC_SEE_DNS
        }
    }
}
