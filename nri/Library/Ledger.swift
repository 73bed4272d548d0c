import HookWire

/// What the runtime runs, as far as this plugin has been told: kept so that a daemon that comes back can be told anew. The runtime's next `Synchronize`
/// rebuilds all of it.
public struct Ledger {
    /// Sandboxes and containers: more than a node has by two orders of magnitude. One more is not kept, and counted; its hook has registered it all the same.
    public static let limit = 16_384

    private var messages: [String: HookMessage] = [:]
    /// What found no room.
    public private(set) var dropped: UInt64 = 0

    public init() {}

    public var count: Int { messages.count }

    /// In the order of their ids.
    public var all: [HookMessage] { messages.sorted { $0.key < $1.key }.map(\.value) }

    public func contains(_ id: String) -> Bool { messages[id] != nil }

    public mutating func insert(_ message: HookMessage) {
        let id = String(decoding: message.containerID, as: UTF8.self)
        guard messages[id] != nil || messages.count < Self.limit else {
            dropped += 1
            return
        }
        messages[id] = message
    }

    public mutating func remove(_ id: String) { messages[id] = nil }

    public mutating func removeAll() { messages = [:] }

    /// Has each message brought up to date, and forgets those of which `isAlive` says no. After a restart of containerd nobody tells of the end of pods that
    /// were there before it.
    ///
    /// - Returns: How many are forgotten.
    @discardableResult
    public mutating func renew(_ isAlive: (inout HookMessage) -> Bool) -> Int {
        let before = messages.count
        messages = messages.compactMapValues { message in
            var message = message
            return isAlive(&message) ? message : nil
        }
        return before - messages.count
    }
}
