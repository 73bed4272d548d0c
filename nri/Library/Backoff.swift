/// How long to wait before something is tried again: twice as long each time, up to a bound.
public struct Backoff: Sendable {
    /// Nanoseconds.
    public let first: UInt64
    public let last: UInt64
    private var next: UInt64

    public init(first: UInt64, last: UInt64) {
        self.first = first
        self.last = last
        next = first
    }

    /// How long to wait this time.
    public mutating func delay() -> UInt64 {
        defer { next = min(next * 2, last) }
        return next
    }

    /// It has worked.
    public mutating func reset() { next = first }
}
