/// What a runtime tells a plugin of, by the number that `StateChange` carries (NRI, api.proto, Event).
public enum RuntimeEvent: Int32, CaseIterable, Sendable {
    case runPodSandbox = 1
    case stopPodSandbox = 2
    case removePodSandbox = 3
    case createContainer = 4
    case postCreateContainer = 5
    case startContainer = 6
    case postStartContainer = 7
    case updateContainer = 8
    case postUpdateContainer = 9
    case stopContainer = 10
    case removeContainer = 11
    case updatePodSandbox = 12
    case postUpdatePodSandbox = 13
    case validateContainerAdjustment = 14

    /// Its bit in the mask that a plugin subscribes with.
    public var bit: Int32 { 1 << (rawValue - 1) }

    /// The method by which runtimes from NRI 0.12 on tell of it; earlier ones use `StateChange` for all but a few.
    public var method: String {
        switch self {
        case .runPodSandbox: "RunPodSandbox"
        case .stopPodSandbox: "StopPodSandbox"
        case .removePodSandbox: "RemovePodSandbox"
        case .createContainer: "CreateContainer"
        case .postCreateContainer: "PostCreateContainer"
        case .startContainer: "StartContainer"
        case .postStartContainer: "PostStartContainer"
        case .updateContainer: "UpdateContainer"
        case .postUpdateContainer: "PostUpdateContainer"
        case .stopContainer: "StopContainer"
        case .removeContainer: "RemoveContainer"
        case .updatePodSandbox: "UpdatePodSandbox"
        case .postUpdatePodSandbox: "PostUpdatePodSandbox"
        case .validateContainerAdjustment: "ValidateContainerAdjustment"
        }
    }

    public init?(method: String) {
        guard let event = Self.allCases.first(where: { $0.method == method }) else { return nil }
        self = event
    }

    /// What this plugin subscribes to. Each event costs every pod on the node a round trip, so it is no more than is used.
    public static let wanted: [RuntimeEvent] = [.runPodSandbox, .removePodSandbox, .createContainer, .startContainer, .removeContainer]

    /// The mask for a runtime. One bit that it does not know would have it close the connection.
    public static func mask(validates: Bool) -> Int32 {
        wanted.reduce(validates ? RuntimeEvent.validateContainerAdjustment.bit : 0) { $0 | $1.bit }
    }
}

/// Who is at the other end, as `Configure` tells it.
public struct RuntimeInfo: Equatable, Sendable {
    public var name: String
    public var version: String
    /// The version of NRI inside; empty before 0.11, which does not tell.
    public var nriVersion: String

    public init(name: String = "", version: String = "", nriVersion: String = "") {
        self.name = name
        self.version = version
        self.nriVersion = nriVersion
    }

    public var isCRIO: Bool { name == "cri-o" || name == "crio" }

    /// Whether a container whose start a plugin refuses is not started: CRI-O only warns (its main branch of August 2026).
    public var heedsRefusedStarts: Bool { !isCRIO }

    /// Whether it lets plugins judge what other plugins make of a container (NRI 0.10: containerd 2.2, CRI-O 1.34).
    public var validates: Bool {
        if let nri = Self.numbers(nriVersion) { return nri >= (0, 10) }
        guard let own = Self.numbers(version) else { return false }
        if name == "containerd" { return own >= (2, 2) }
        return isCRIO && own >= (1, 34)
    }

    /// The first two numbers of `v0.12.2`, `2.1.9+unknown` or `1.7.24~ds1`.
    private static func numbers(_ text: String) -> (Int, Int)? {
        let parts = (text.hasPrefix("v") ? text.dropFirst() : text[...]).split(separator: ".", maxSplits: 2).map { $0.prefix { $0.isASCII && $0.isNumber } }
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        return (major, minor)
    }
}
