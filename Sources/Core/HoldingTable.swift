/// What is held back for a while, by key. Every key waits equally long, so that what began first is over first.
struct HoldingTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Keys that wait at one time.
    let limit: Int
    /// Nanoseconds that each of them does.
    let length: UInt64
    private var values: [Key: Value] = [:]
    /// By its end, each key of `values`; those before `first` are gone.
    private var order: [(end: UInt64, key: Key)] = []
    private var first = 0

    init(limit: Int, seconds: Int) { (self.limit, length) = (limit, UInt64(max(seconds, 0)) * 1_000_000_000) }

    /// When the first is over.
    var nextEnd: UInt64? { first < order.count ? order[first].end : nil }

    /// - Returns: False if there is no room, or the key waits already.
    mutating func begin(_ key: Key, _ value: Value, at time: UInt64) -> Bool {
        guard values.count < limit, values[key] == nil else { return false }
        values[key] = value
        // Records of several processors are not quite in the order of their times.
        order.append((max(time &+ length, order.last?.end ?? 0), key))
        return true
    }

    /// - Returns: False if it does not wait.
    mutating func update(_ key: Key, _ change: (inout Value) -> Void) -> Bool {
        guard let index = values.index(forKey: key) else { return false }
        change(&values.values[index])
        return true
    }

    /// Takes out one that is over by then.
    mutating func next(by time: UInt64) -> (end: UInt64, value: Value)? {
        guard let end = nextEnd, end <= time, let value = values.removeValue(forKey: order[first].key) else { return nil }
        first += 1
        if first == order.count || first > limit {
            order.removeFirst(first)
            first = 0
        }
        return (end, value)
    }
}
