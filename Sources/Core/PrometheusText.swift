/// Writes metrics in Prometheus' text format, version 0.0.4: families, each with its help and type, and samples with labels.
///
/// Names and label names come from the program and are taken as they are; label values and help may be anything.
public struct PrometheusText: Sendable {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// A label's name and its value.
    public typealias Label = (name: String, value: String)

    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// A family and its samples. One without samples is left out.
    public mutating func family(_ name: String, _ kind: Kind, _ help: String, _ body: (inout PrometheusSamples) -> Void) {
        var samples = PrometheusSamples(name)
        body(&samples)
        guard !samples.bytes.isEmpty else { return }
        append("# HELP \(name) ")
        bytes.append(contentsOf: Self.escaped(help, quotes: false))
        append("\n# TYPE \(name) \(kind.rawValue)\n")
        bytes.append(contentsOf: samples.bytes)
    }

    /// A family of one sample without labels.
    public mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: PrometheusValue?) {
        family(name, kind, help) { $0.sample(value: value) }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    static func escaped(_ text: String, quotes: Bool) -> [UInt8] {
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): escaped += [byte, byte]
            case UInt8(ascii: "\n"): escaped += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\"") where quotes: escaped += [UInt8(ascii: "\\"), byte]
            default: escaped.append(byte)
            }
        }
        return escaped
    }
}

/// A sample's value.
public enum PrometheusValue: Equatable, Sendable {
    case integer(Int64)
    case count(UInt64)
    case flag(Bool)
    /// Written as seconds, to the last digit.
    case nanoseconds(UInt64)

    var text: String {
        switch self {
        case .integer(let value): String(value)
        case .count(let value): String(value)
        case .flag(let value): value ? "1" : "0"
        case .nanoseconds(let value): Self.seconds(value)
        }
    }

    /// As a decimal fraction without an exponent and without zeros at its end: two writers of one bound must write one text.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return String(whole) }
        let digits = String(rest)
        var fraction = String(repeating: "0", count: 9 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}

/// The samples of one family.
public struct PrometheusSamples: Sendable {
    private let name: String
    private(set) var bytes: [UInt8] = []

    init(_ name: String) { self.name = name }

    /// Nothing is written for a value that is not known.
    public mutating func sample(_ labels: [PrometheusText.Label] = [], value: PrometheusValue?) {
        guard let value else { return }
        append("", labels, value.text)
    }

    /// The samples of one histogram: `counts` has, for each bound and for what is beyond the last, how many fell between it and the bound before.
    public mutating func histogram(_ labels: [PrometheusText.Label] = [], bounds: [UInt64], counts: [UInt64], nanoseconds: UInt64) {
        guard counts.count == bounds.count + 1 else { return }
        var sum: UInt64 = 0
        for (index, count) in counts.enumerated() {
            sum &+= count
            append("_bucket", labels + [("le", index < bounds.count ? PrometheusValue.seconds(bounds[index]) : "+Inf")], String(sum))
        }
        append("_sum", labels, PrometheusValue.seconds(nanoseconds))
        append("_count", labels, String(sum))
    }

    private mutating func append(_ suffix: String, _ labels: [PrometheusText.Label], _ value: String) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: suffix.utf8)
        for (index, label) in labels.enumerated() {
            bytes.append(contentsOf: (index == 0 ? "{" : ",").utf8)
            bytes.append(contentsOf: label.name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            bytes.append(contentsOf: PrometheusText.escaped(label.value, quotes: true))
            bytes.append(UInt8(ascii: "\""))
        }
        if !labels.isEmpty { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }
}
