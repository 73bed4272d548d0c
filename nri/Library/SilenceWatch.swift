/// Tells a runtime that has nothing to say from one that no longer speaks to this plugin: what runs shows on disk, too, and whatever appears there should be
/// told of soon after.
///
/// containerd 1.7, for one, leaves the connection open when it has given a plugin up, and sends nothing any more.
public struct SilenceWatch {
    /// Nanoseconds for which what has appeared may stay untold. A runtime tells of a pod's sandbox when that runs, and of a container before it is made.
    public static let patience: UInt64 = 3_000_000_000
    /// Things that are waited for at one time; of more than that, the later ones are not looked at.
    public static let limit = 1024

    private var expected: [String: UInt64] = [:]
    /// Others make containers in the same place (`ctr`), and no plugin is told of those: asking anew in vain is done less and less often.
    private var pause = Backoff(first: 10_000_000_000, last: 600_000_000_000)
    private var pausedUntil: UInt64 = 0
    private var suspects: Set<String> = []

    public init() {}

    /// When to look again; nil if nothing is waited for.
    public var deadline: UInt64? { expected.values.min().map { max($0, pausedUntil) } }

    /// Something of this id has appeared on disk.
    public mutating func appeared(_ id: String, now: UInt64) {
        guard expected[id] == nil, expected.count < Self.limit else { return }
        expected[id] = now + Self.patience
    }

    /// The runtime has told of it, or it is gone.
    public mutating func settled(_ id: String) { expected[id] = nil }

    /// Whether the runtime is to be asked anew: something has stayed untold for too long, and still `exists`.
    public mutating func isSilent(now: UInt64, exists: (String) -> Bool) -> Bool {
        guard now >= pausedUntil else { return false }
        let late = expected.filter { $0.value <= now }.map(\.key)
        for id in late { expected[id] = nil }
        suspects = Set(late.filter(exists))
        guard !suspects.isEmpty else { return false }
        pausedUntil = now + pause.delay()
        return true
    }

    /// The runtime has told anew of all that it runs. True if it had kept something back.
    public mutating func synchronized(tells: (String) -> Bool) -> Bool {
        defer { suspects = [] }
        expected = expected.filter { !tells($0.key) }
        guard suspects.contains(where: tells) else { return false }
        pause.reset()
        pausedUntil = 0
        return true
    }
}
