/// How often something took how long: counts by class of duration, from which quantiles of a whole fleet can be estimated.
public struct LatencyHistogram: Equatable, Sendable {
    /// Nanoseconds up to which each class reaches, from 50 µs to 1 s; one more class is for what takes longer. Fixed: histograms of two machines
    /// or two versions can only be added up if their classes are the same.
    public static let bounds: [UInt64] = [
        50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000,
    ]

    /// How many fell into each class.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Nanoseconds of all together.
    public private(set) var sum: UInt64 = 0

    public init() {}

    public var count: UInt64 { counts.reduce(0, &+) }

    public mutating func add(nanoseconds: UInt64) {
        counts[Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] &+= 1
        sum &+= nanoseconds
    }

    /// The classes' counts, which are not cumulative, and the sum.
    public func write(_ writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("counts")
            writer.array { writer in for count in counts { writer.number(count) } }
            writer.member("nanoseconds", sum)
        }
    }
}
