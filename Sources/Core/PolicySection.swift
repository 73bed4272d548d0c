import CABI

extension PolicyRule.Section {
    /// The automaton that reads what rules of the section are about.
    public var automaton: pc_automaton {
        switch self {
        case .process: PC_AUTOMATON_PROCESS
        case .file: PC_AUTOMATON_FILE
        case .network: PC_AUTOMATON_NETWORK
        case .capabilities: PC_AUTOMATON_CAPABILITY
        case .dns: PC_AUTOMATON_DNS
        case .presets: PC_AUTOMATON_PRESET
        case .syscalls: PC_AUTOMATON_SYSCALL
        }
    }

    /// The section whose rules an automaton is made of; nil for those of acting executables and of arguments.
    public init?(automaton: UInt32) {
        guard let section = Self.allCases.first(where: { $0.automaton.rawValue == automaton }) else { return nil }
        self = section
    }

    /// The row of decisions for what no rule of the section matches.
    var rowOfNone: UInt32 {
        switch self {
        case .process: 0
        case .file: UInt32(PC_ROW_NONE_FILE)
        case .network: UInt32(PC_ROW_NONE_NETWORK)
        case .capabilities: UInt32(PC_ROW_NONE_CAPABILITY)
        case .dns: UInt32(PC_ROW_NONE_DNS)
        case .presets: UInt32(PC_ROW_NONE_PRESET)
        case .syscalls: UInt32(PC_ROW_NONE_SYSCALL)
        }
    }

    /// What a set with rules of the section is marked with, and one whose rules or posture could deny.
    var flags: (any: pc_set_flag, strict: pc_set_flag) {
        switch self {
        case .process: (PC_SET_PROCESS, PC_SET_PROCESS_STRICT)
        case .file: (PC_SET_FILE, PC_SET_FILE_STRICT)
        case .network: (PC_SET_NETWORK, PC_SET_NETWORK_STRICT)
        case .capabilities: (PC_SET_CAPABILITIES, PC_SET_CAPABILITIES_STRICT)
        case .dns: (PC_SET_DNS, PC_SET_DNS_STRICT)
        case .presets: (PC_SET_PRESETS, PC_SET_PRESETS_STRICT)
        // Nothing of them is ever denied.
        case .syscalls: (PC_SET_SYSCALLS, pc_set_flag(0))
        }
    }

    /// Whether its rules name paths.
    var isAboutPaths: Bool { self == .process || self == .file }
}

/// What happens in whitelist mode to what no rule names.
public enum Posture: String, Hashable, Sendable { case audit, block }

/// The posture of each class. `process` and `file` rules have one together, as in KubeArmor, and so have sockets and names.
public struct Postures: Hashable, Sendable {
    public var file: Posture
    public var network: Posture
    public var capabilities: Posture

    public init(file: Posture, network: Posture, capabilities: Posture) {
        self.file = file
        self.network = network
        self.capabilities = capabilities
    }

    /// The same for every class.
    public init(_ posture: Posture) { self.init(file: posture, network: posture, capabilities: posture) }

    public static let audit = Postures(.audit)
    public static let block = Postures(.block)

    public subscript(_ section: PolicyRule.Section) -> Posture {
        switch section {
        case .process, .file: file
        case .network, .dns: network
        case .capabilities: capabilities
        // These allow nothing, so that there is no whitelist of them.
        case .presets, .syscalls: .audit
        }
    }
}
