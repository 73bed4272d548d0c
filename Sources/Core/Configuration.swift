import CABI

/// The daemon's settings, after flags, environment, file and defaults have been put in that order of precedence.
public struct Configuration: Equatable, Sendable {
    public enum LogLevel: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    public enum LogFormat: String, Sendable {
        case auto, text, json
    }

    public enum LabelStore: String, Sendable {
        case auto, tasks, hash
    }

    /// Who looks for containers that run already when the daemon starts.
    public enum Replay: String, Sendable {
        /// The daemon has `portcullis replay` look.
        case auto
        /// Somebody else tells of them over the hook socket: the hook on the host of a daemon in a container, or the NRI plugin.
        case external
        case off
    }

    public static let capacityMaximum = Int(PC_CAPACITY_MAX)
    public static let defaultFile = "/etc/portcullis/config.yaml"

    public var hookSocket = "/run/portcullis/hook.sock"
    public var controlSocket = "/run/portcullis/control.sock"
    /// Empty: beside the control socket's directory, named like that one and `-events`.
    public var chosenEventsSocket = ""
    public var eventsSocket: String {
        guard chosenEventsSocket.isEmpty else { return chosenEventsSocket }
        return (controlSocket.lastIndex(of: "/").map { String(controlSocket[..<$0]) } ?? "") + "-events/events.sock"
    }
    public var eventsSocketPolicies = false
    public var bpfDirectory = "/sys/fs/bpf/portcullis/v\(PC_ABI_VERSION)"
    public var spool = "/run/portcullis/spool"
    public var capacity = Int(PC_CAPACITY_DEFAULT)
    public var eventBuffer = 1024
    public var labelStore = LabelStore.auto
    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.auto
    public var hostEvents = false
    /// What is reported of processes that are in no container.
    public var hostVisibility = Visibility([])
    /// Refused calls are reported whatever the visibility.
    public var reportsFailures = true
    public var strictMountNamespace = false
    /// Whose containers may speak to the daemon; empty: no containers may.
    public var agentNamespace = ""
    public var policyDirectory = "/etc/portcullis/policies"
    public var appliedPolicyDirectory = "/var/lib/portcullis/policies"
    public var postures = Postures.audit
    /// Of processes that are in no container.
    public var hostPostures = Postures.audit
    /// Of the section `namespaces`, which only the file has.
    public var namespaces: [String: NamespaceSettings] = [:]
    /// Of the section `node-labels`, likewise.
    public var nodeLabels: [String: String] = [:]
    /// What was not taken as it was written, with its place.
    public var warnings: [String] = []
    public var visibility = Visibility.all
    public var requireEnforcement = false
    public var selfProtection = true
    public var sandbox = true
    public var replay = Replay.auto
    /// `KIND=DIRECTORY`, each, for `portcullis replay`.
    public var replayRoots: [String] = []

    public init() {}

    /// What is reported of the containers of a namespace.
    public func visibility(in namespace: String) -> Visibility { namespaces[namespace]?.visibility ?? visibility }

    /// The same as the kernel's programs have it (`pc_see_flag`).
    public func visibilityFlags(in namespace: String) -> UInt64 { visibility(in: namespace).flags | (reportsFailures ? UInt64(PC_SEE_FAILURES.rawValue) : 0) }

    /// And of the host: refused calls only where some class of it is to be seen, since most machines do not want to hear of the host at all.
    public var hostVisibilityFlags: UInt64 {
        let classes = hostVisibility.flags
        return classes | (hostEvents ? UInt64(PC_SEE_PROCESS.rawValue) : 0) | (classes != 0 && reportsFailures ? UInt64(PC_SEE_FAILURES.rawValue) : 0)
    }

    /// Applies one value. False if the value is not one that the setting takes.
    public mutating func apply(_ setting: Setting, _ text: String) -> Bool {
        switch setting {
        case .hookSocket: return Self.setPath(&hookSocket, text, limit: 107)
        case .controlSocket: return Self.setPath(&controlSocket, text, limit: 107)
        case .eventsSocket:
            guard text != "auto" else {
                chosenEventsSocket = ""
                return true
            }
            return Self.setPath(&chosenEventsSocket, text, limit: 107)
        case .eventsSocketPolicies: return Self.setSwitch(&eventsSocketPolicies, text)
        case .bpfDirectory: return Self.setPath(&bpfDirectory, text, limit: 4000)
        case .spool: return Self.setPath(&spool, text, limit: 4000)
        case .capacity: return Self.setNumber(&capacity, text, 16...Self.capacityMaximum)
        case .eventBuffer: return Self.setNumber(&eventBuffer, text, 64...65536)
        case .labelStore: return Self.setChoice(&labelStore, text)
        case .logLevel: return Self.setChoice(&logLevel, text)
        case .logFormat: return Self.setChoice(&logFormat, text)
        case .hostEvents: return Self.setSwitch(&hostEvents, text)
        case .hostVisibility:
            guard let read = Visibility(text) else { return false }
            hostVisibility = read
            return true
        case .failures:
            guard text == "on" || text == "off" else { return false }
            reportsFailures = text == "on"
            return true
        case .strictMountNamespace: return Self.setSwitch(&strictMountNamespace, text)
        case .agentNamespace:
            guard text.isEmpty || KubernetesName.isNamespace(text) else { return false }
            agentNamespace = text
            return true
        case .policyDirectory: return Self.setPath(&policyDirectory, text, limit: 4000)
        case .appliedPolicyDirectory: return Self.setPath(&appliedPolicyDirectory, text, limit: 3700)
        case .filePosture: return Self.setChoice(&postures.file, text)
        case .networkPosture: return Self.setChoice(&postures.network, text)
        case .capabilitiesPosture: return Self.setChoice(&postures.capabilities, text)
        case .hostFilePosture: return Self.setChoice(&hostPostures.file, text)
        case .hostNetworkPosture: return Self.setChoice(&hostPostures.network, text)
        case .hostCapabilitiesPosture: return Self.setChoice(&hostPostures.capabilities, text)
        case .visibility:
            guard let read = Visibility(text) else { return false }
            visibility = read
            return true
        case .requireEnforcement: return Self.setSwitch(&requireEnforcement, text)
        case .selfProtection: return Self.setSwitch(&selfProtection, text)
        case .sandbox: return Self.setSwitch(&sandbox, text)
        case .replay: return Self.setChoice(&replay, text)
        case .replayRoots:
            let roots = text.split(separator: ",").map(String.init)
            guard roots.allSatisfy(Self.isReplayRoot) else { return false }
            replayRoots = roots
            return true
        }
    }

    /// The value of a setting as it would be written in the file.
    public func text(_ setting: Setting) -> String {
        switch setting {
        case .hookSocket: hookSocket
        case .controlSocket: controlSocket
        case .eventsSocket: chosenEventsSocket.isEmpty ? "auto" : chosenEventsSocket
        case .eventsSocketPolicies: String(eventsSocketPolicies)
        case .bpfDirectory: bpfDirectory
        case .spool: spool
        case .capacity: String(capacity)
        case .eventBuffer: String(eventBuffer)
        case .labelStore: labelStore.rawValue
        case .logLevel: logLevel.rawValue
        case .logFormat: logFormat.rawValue
        case .hostEvents: String(hostEvents)
        case .hostVisibility: hostVisibility.text
        case .failures: reportsFailures ? "on" : "off"
        case .strictMountNamespace: String(strictMountNamespace)
        case .agentNamespace: agentNamespace
        case .policyDirectory: policyDirectory
        case .appliedPolicyDirectory: appliedPolicyDirectory
        case .filePosture: postures.file.rawValue
        case .networkPosture: postures.network.rawValue
        case .capabilitiesPosture: postures.capabilities.rawValue
        case .hostFilePosture: hostPostures.file.rawValue
        case .hostNetworkPosture: hostPostures.network.rawValue
        case .hostCapabilitiesPosture: hostPostures.capabilities.rawValue
        case .visibility: visibility.text
        case .requireEnforcement: String(requireEnforcement)
        case .selfProtection: String(selfProtection)
        case .sandbox: String(sandbox)
        case .replay: replay.rawValue
        case .replayRoots: replayRoots.joined(separator: ",")
        }
    }

    private static func isReplayRoot(_ text: String) -> Bool {
        guard let equals = text.firstIndex(of: "="), text[equals...].dropFirst().hasPrefix("/") else { return false }
        return ["runc", "crun", "containerd", "storage"].contains(String(text[..<equals]))
    }

    private static func setPath(_ target: inout String, _ text: String, limit: Int) -> Bool {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= limit, !text.utf8.contains(0) else { return false }
        // "//" and a trailing slash would make two names of one place.
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else { return false }
        target = "/" + parts.joined(separator: "/")
        return true
    }

    private static func setNumber(_ target: inout Int, _ text: String, _ range: ClosedRange<Int>) -> Bool {
        guard let number = Int(text), range.contains(number) else { return false }
        target = number
        return true
    }

    private static func setChoice<Choice: RawRepresentable>(_ target: inout Choice, _ text: String) -> Bool where Choice.RawValue == String {
        guard let choice = Choice(rawValue: text) else { return false }
        target = choice
        return true
    }

    private static func setSwitch(_ target: inout Bool, _ text: String) -> Bool {
        guard text == "true" || text == "false" else { return false }
        target = text == "true"
        return true
    }
}
