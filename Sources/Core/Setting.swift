/// Every setting of the daemon: its name in the configuration file, which is also its flag (`--name`) and, in capitals with
/// underscores, its environment variable (`PORTCULLIS_NAME`).
public enum Setting: String, CaseIterable, Sendable {
    case hookSocket = "hook-socket"
    case controlSocket = "control-socket"
    case eventsSocket = "events-socket"
    case eventsSocketPolicies = "events-socket-policies"
    case bpfDirectory = "bpf-directory"
    case spool
    case capacity
    case eventBuffer = "event-buffer-kib"
    case labelStore = "label-store"
    case logLevel = "log-level"
    case logFormat = "log-format"
    case hostEvents = "host-events"
    case hostVisibility = "host-visibility"
    case failures
    case strictMountNamespace = "strict-mount-namespace"
    case agentNamespace = "agent-namespace"
    case policyDirectory = "policy-dir"
    case appliedPolicyDirectory = "applied-policy-dir"
    case filePosture = "file-posture"
    case networkPosture = "network-posture"
    case capabilitiesPosture = "capabilities-posture"
    case hostFilePosture = "host-file-posture"
    case hostNetworkPosture = "host-network-posture"
    case hostCapabilitiesPosture = "host-capabilities-posture"
    case visibility
    case requireEnforcement = "require-enforcement"
    case selfProtection = "self-protection"
    case sandbox
    case replay
    case replayRoots = "replay-roots"

    /// Whether a reload applies it; the others are what the daemon was started with.
    public var isReloadable: Bool {
        switch self {
        case .logLevel, .hostEvents, .hostVisibility, .failures, .strictMountNamespace, .agentNamespace, .visibility, .eventsSocketPolicies: true
        case .filePosture, .networkPosture, .capabilitiesPosture, .hostFilePosture, .hostNetworkPosture, .hostCapabilitiesPosture: true
        default: false
        }
    }

    public var isSwitch: Bool { self == .hostEvents || self == .strictMountNamespace || self == .requireEnforcement || self == .selfProtection || self == .sandbox || self == .eventsSocketPolicies }

    public var environmentName: String { "PORTCULLIS_" + String(rawValue.map { $0 == "-" ? "_" : $0 }).uppercased() }

    /// What values it takes, for help and complaints.
    public var allowed: String {
        switch self {
        case .hookSocket, .controlSocket: "an absolute path of at most 107 bytes"
        case .eventsSocket: "auto or an absolute path of at most 107 bytes"
        case .bpfDirectory: "an absolute path on a bpf file system"
        case .spool: "an absolute path"
        case .capacity: "a number from 16 to \(Configuration.capacityMaximum)"
        case .eventBuffer: "a number from 64 to 65536"
        case .labelStore: "auto, tasks or hash"
        case .logLevel: "debug, info, warning or error"
        case .logFormat: "auto, text or json"
        case .hostEvents, .strictMountNamespace, .requireEnforcement, .selfProtection, .sandbox, .eventsSocketPolicies: "true or false"
        case .agentNamespace: "the name of a Kubernetes namespace, or empty"
        case .policyDirectory, .appliedPolicyDirectory: "an absolute path"
        case .replay: "auto, external or off"
        case .replayRoots: "KIND=DIRECTORY, several apart by commas, KIND one of runc, crun, containerd, storage"
        case .failures: "on or off"
        case .visibility, .hostVisibility: "none or some of \(Visibility.Class.allCases.map(\.rawValue).joined(separator: ",")), apart by commas"
        case .filePosture, .networkPosture, .capabilitiesPosture, .hostFilePosture, .hostNetworkPosture, .hostCapabilitiesPosture: "audit or block"
        }
    }

    /// One line of help.
    public var summary: String {
        switch self {
        case .hookSocket: "where hooks report"
        case .controlSocket: "where the command portcullis asks"
        case .eventsSocket: "where portcullis-feed reads what happens; auto is events.sock in a directory beside the control socket's, named like that one and -events"
        case .eventsSocketPolicies: "who may read events may also apply and delete policies, as KubeArmor's clients do through portcullis-feed"
        case .bpfDirectory: "where maps and programs are pinned"
        case .spool: "where hooks leave messages while no daemon runs"
        case .capacity: "containers at one time"
        case .eventBuffer: "size of the event ring, rounded up to a power of two"
        case .labelStore: "where task labels live; auto takes what the kernel has"
        case .logLevel: "what is logged"
        case .logFormat: "auto is text on a terminal, JSON lines elsewhere"
        case .hostEvents: "also report execs and exits outside containers: host-visibility process"
        case .hostVisibility: "which classes of events are reported outside containers"
        case .failures: "also report what was refused (EPERM, EACCES), whatever the visibility"
        case .strictMountNamespace: "refuse hooks from another mount namespace than the host's"
        case .agentNamespace: "the Kubernetes namespace whose containers may speak to the daemon, if they share the host's pid namespace: its own pods"
        case .policyDirectory: "where policies are read from (*.yaml), watched for changes"
        case .appliedPolicyDirectory: "where applied policies are kept; root's alone"
        case .filePosture: "what happens in whitelist mode to processes and files that no rule names"
        case .networkPosture: "the same of network access"
        case .capabilitiesPosture: "the same of capabilities"
        case .hostFilePosture: "file-posture for processes outside containers"
        case .hostNetworkPosture: "network-posture for processes outside containers"
        case .hostCapabilitiesPosture: "capabilities-posture for processes outside containers"
        case .visibility: "which classes of events containers are reported with"
        case .requireEnforcement: "do not start where nothing can be enforced"
        case .selfProtection: "keep others, root too, from what is the daemon's in the kernel, and from the daemon"
        case .sandbox: "give up capabilities and system calls that serving does not need"
        case .replay: "who looks for containers that run already: this daemon at its start, somebody else, nobody"
        case .replayRoots: "where runtimes keep their state, besides the usual places"
        }
    }
}
