/// How often one kind of access was judged, by what came of it.
public struct VerdictCount: Equatable, Sendable {
    /// As alerts call it.
    public let operation: String
    public let allowed: UInt64
    /// Happened, and was reported.
    public let audited: UInt64
    public let blocked: UInt64

    public init(operation: String, allowed: UInt64, audited: UInt64, blocked: UInt64) {
        (self.operation, self.allowed, self.audited, self.blocked) = (operation, allowed, audited, blocked)
    }
}
