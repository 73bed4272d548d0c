/// Names in the DNS as rules have them and as the kernel reads them: labels with a dot before each, in lower case.
enum DomainName {
    /// Bytes of a name and of a label (RFC 1035, 2.3.4).
    private static let nameLimit = 253
    private static let labelLimit = 63

    /// In lower case and without the dot at its end; nil for what is no name.
    static func normal(_ text: String) -> String? {
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard !name.isEmpty, name.utf8.count <= nameLimit else { return nil }
        let isName = name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.count <= labelLimit && label.utf8.allSatisfy(isOfLabel)
        }
        return isName ? name : nil
    }

    private static func isOfLabel(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// The name itself and all below it, also with what a resolver in a Kubernetes pod puts behind a name before it tries it alone (resolv.conf(5), search).
    static func patterns(_ name: String) -> [[Glob.Element]] {
        let searched = ["", ".cluster.local", ".svc.cluster.local"].map { elements("." + name + $0) }
        return (searched + [elements("." + name + ".") + [.withinComponent] + elements(".svc.cluster.local")]).map { [.acrossComponents] + $0 }
    }

    private static func elements(_ text: String) -> [Glob.Element] { text.utf8.map { .byte($0) } }

    /// How much a name says: the one with more labels decides.
    static func depth(_ name: String) -> UInt64 { UInt64(name.utf8.count { $0 == UInt8(ascii: ".") }) + 1 }
}
