import HookWire

/// What the control socket speaks: frames like the hook's (4-byte length, body). A request's body is version, command, and a
/// text; an answer is a run of frames, each version, kind and a text, of which the last is `.end` or `.failed`.
public enum ControlProtocol {
    public static let version: UInt8 = 1
    /// Bytes of a request; more is refused.
    public static let requestLimit = (4 << 20) + 4096

    public enum Command: UInt8, Sendable, CaseIterable {
        /// One JSON object about daemon and kernel.
        case status = 1
        /// One JSON object for each container.
        case containers = 2
        /// One JSON object for each event from now on, until the client goes. The text is a prefix of container ids, or empty.
        case events = 3
        /// One JSON object for each alert from now on; the text as for events.
        case alerts = 4
        /// One JSON object for each policy in force. With an identity (namespace/name) as text: that policy, then one for each of its rules.
        case policies = 5
        /// Takes in the policies of a YAML text, all or none. The text is `PolicySubmission`; one JSON object says what changed.
        case applyPolicies = 6
        /// Removes an applied policy, by identity.
        case deletePolicy = 7
        /// As `applyPolicies`, also where policies of this host would lock people out.
        case forcePolicies = 8
        /// Begins a pause of enforcement or ends one; the text is `PauseRequest`.
        case pause = 9
        /// Stops the daemon. The connection is closed when it has stopped, and nothing is answered.
        case stop = 10
        /// Lets everybody who is in no container touch what is the daemon's own. The text is for how many seconds; 0: until a daemon starts.
        case unlock = 11
        /// Events from now on as records (`FeedRecord`), until the client goes.
        case eventRecords = 12
        /// Alerts, the same way. Two connections, so that a flood of events keeps no alert.
        case alertRecords = 13

        /// Whether its items come until the client goes, however far apart.
        public var isStream: Bool {
            switch self {
            case .events, .alerts, .eventRecords, .alertRecords: true
            case .status, .containers, .policies, .applyPolicies, .deletePolicy, .forcePolicies, .pause, .stop, .unlock: false
            }
        }

        public enum Right: Sendable { case read, changePolicies, rule }

        /// What it takes to ask for it. Who is not root may read, and change policies where the daemon's configuration says so.
        public var right: Right {
            switch self {
            case .status, .containers, .events, .alerts, .policies, .eventRecords, .alertRecords: .read
            case .applyPolicies, .deletePolicy: .changePolicies
            case .forcePolicies, .pause, .stop, .unlock: .rule
            }
        }
    }

    public enum Kind: UInt8, Sendable {
        /// A JSON object.
        case item = 1
        /// Nothing more comes.
        case end = 2
        /// The text says why nothing more comes.
        case failed = 3
        /// A record (`FeedRecord`).
        case record = 4
    }

    /// A request's frame.
    public static func request(_ command: Command, _ text: [UInt8]) -> [UInt8] { frame(command.rawValue, text) }

    public static func request(_ command: Command, _ text: String) -> [UInt8] { request(command, Array(text.utf8)) }

    /// An answer's frame.
    public static func answer(_ kind: Kind, _ text: [UInt8] = []) -> [UInt8] { frame(kind.rawValue, text) }

    /// Bytes of a frame beside its text.
    public static let frameOverhead = 6

    /// What stands before a record of so many bytes: length, version, kind.
    public static func recordHeader(_ count: Int) -> (length: UInt32, version: UInt8, kind: UInt8) { (UInt32(count + 2), version, Kind.record.rawValue) }

    private static func frame(_ second: UInt8, _ text: [UInt8]) -> [UInt8] {
        let length = UInt32(text.count + 2)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + [version, second] + text
    }

    /// The parts of a body; nil if it is of another version or too short.
    public static func parts(_ body: ArraySlice<UInt8>) -> (second: UInt8, text: ArraySlice<UInt8>)? {
        guard body.count >= 2, body[body.startIndex] == version else { return nil }
        return (body[body.startIndex + 1], body.dropFirst(2))
    }
}

/// Policies on their way to the daemon: what the client calls the text, a NUL, and the text.
public struct PolicySubmission: Equatable, Sendable {
    /// Bytes of a name; `ControlProtocol.requestLimit` has room for it beside the largest text.
    public static let nameLimit = 4000

    public let name: String
    public let text: [UInt8]

    /// A name that would not fit one line of a message is replaced.
    public init(name: String, text: [UInt8]) {
        let isPlain = !name.isEmpty && name.utf8.count <= Self.nameLimit && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        self.name = isPlain ? name : "(unnamed)"
        self.text = text
    }

    /// Nil if there is no NUL: not one of ours.
    public init?(decoding request: ArraySlice<UInt8>) {
        guard let end = request.firstIndex(of: 0) else { return nil }
        self.init(name: String(decoding: request[..<end], as: UTF8.self), text: Array(request[(end + 1)...]))
    }

    public var encoded: [UInt8] { Array(name.utf8) + [0] + text }
}
