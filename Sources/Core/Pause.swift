import HookWire

/// A while in which what would be denied is only reported: of everything, of a namespace of policies, of one container.
public struct Pause: Equatable, Sendable {
    public enum Scope: Hashable, Sendable {
        case everything
        case namespace(String)
        /// By a prefix of the id.
        case container(String)

        /// Whether it is about a container of this id and namespace. The host is paused with everything only.
        public func contains(id: String, namespace: String) -> Bool {
            switch self {
            case .everything: true
            case .namespace(let name): name == namespace
            case .container(let prefix): id.hasPrefix(prefix)
            }
        }

        public var text: String {
            switch self {
            case .everything: "everything"
            case .namespace(let name): "namespace \(name)"
            case .container(let prefix): "container \(prefix)"
            }
        }
    }

    /// Seconds of one pause: it is a way out, and not a way to live.
    public static let longest = 24 * 3600

    public let scope: Scope
    /// Nanoseconds since boot, suspend included.
    public let until: UInt64

    public init(scope: Scope, until: UInt64) {
        self.scope = scope
        self.until = until
    }
}

/// A pause that somebody asks for, or its end: what the control socket carries.
public struct PauseRequest: Equatable, Sendable {
    public let scope: Pause.Scope
    /// 0: it ends now.
    public let seconds: Int

    public init(scope: Pause.Scope, seconds: Int) {
        self.scope = scope
        self.seconds = seconds
    }

    /// `600`, `600 namespace shop` or `600 container c1`.
    public var text: String {
        switch scope {
        case .everything: "\(seconds)"
        case .namespace(let name): "\(seconds) namespace \(name)"
        case .container(let prefix): "\(seconds) container \(prefix)"
        }
    }

    /// - Throws: `.peer` for a text of another form, or a time beyond `Pause.longest`.
    public init(text: String) throws(PortcullisError) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard let seconds = words.first.flatMap({ Int($0) }), (0...Pause.longest).contains(seconds) else {
            throw PortcullisError(.peer, "a pause takes up to \(Pause.longest) seconds")
        }
        switch (words.count, words.dropFirst().first) {
        case (1, _): self.init(scope: .everything, seconds: seconds)
        case (3, "namespace") where !words[2].isEmpty: self.init(scope: .namespace(words[2]), seconds: seconds)
        case (3, "container") where !words[2].isEmpty: self.init(scope: .container(words[2]), seconds: seconds)
        default: throw PortcullisError(.peer, "a pause is of everything, of a namespace or of a container")
        }
    }
}

/// The pauses that are in force: at most one for each scope, the last one that was asked for.
public struct PauseLedger: Sendable {
    /// Scopes that are paused at one time.
    public static let limit = 256

    private var pauses: [Pause.Scope: UInt64] = [:]

    public init() {}

    public var all: [Pause] { pauses.map { Pause(scope: $0.key, until: $0.value) }.sorted { ($0.until, $0.scope.text) < ($1.until, $1.scope.text) } }

    /// When the next one ends.
    public var next: UInt64? { pauses.values.min() }

    /// - Throws: `.full` at the limit.
    public mutating func begin(_ pause: Pause) throws(PortcullisError) {
        guard pauses[pause.scope] != nil || pauses.count < Self.limit else { throw PortcullisError(.full, "\(Self.limit) pauses are in force already") }
        pauses[pause.scope] = pause.until
    }

    /// Ends one before its time. With `everything`, all of them. Returns those that were in force.
    public mutating func end(_ scope: Pause.Scope) -> [Pause] {
        let ended = all.filter { scope == .everything || $0.scope == scope }
        for pause in ended { pauses[pause.scope] = nil }
        return ended
    }

    /// Takes out those whose time has come.
    public mutating func expire(now: UInt64) -> [Pause] {
        let ended = all.filter { $0.until <= now }
        for pause in ended { pauses[pause.scope] = nil }
        return ended
    }

    /// Until when a container is paused; 0 if it is not.
    public func until(id: String, namespace: String) -> UInt64 {
        pauses.filter { $0.key.contains(id: id, namespace: namespace) }.map(\.value).max() ?? 0
    }

    /// The same of the processes that are in no container.
    public var hostUntil: UInt64 { pauses[.everything] ?? 0 }
}
