/// What a machine has of what enforcement and telemetry need; read by whoever runs on it.
public struct MachineFacts: Equatable, Sendable {
    /// An LSM hook.
    public struct Hook: Equatable, Sendable {
        public let name: String
        /// Without it nothing is enforced.
        public let isEssential: Bool
        /// The kernel lets programs attach to it.
        public let isPresent: Bool

        public init(name: String, isEssential: Bool, isPresent: Bool) {
            self.name = name
            self.isEssential = isEssential
            self.isPresent = isPresent
        }
    }

    /// What the kernel lets be seen, and why not what it does not.
    public struct Telemetry: Equatable, Sendable {
        /// Of system calls; nil: they are seen, as with those below.
        public var callRefusal: String?
        /// Of what goes by io_uring.
        public var requestRefusal: String?
        /// Of capabilities that are used.
        public var capabilityRefusal: String?
        /// Where these are seen.
        public var capabilityPlace = ""

        public init() {}
    }

    public var release = ""
    public var hasBTF = false
    public var hasBPFFileSystem = false
    public var hasSecurityFileSystem = false
    /// The active security modules in their order; nil if the list cannot be read.
    public var securityModules: [String]?
    /// The kernel's own command line.
    public var commandLine = ""
    /// 0: there is none.
    public var cgroupVersion = 0
    public var hooks: [Hook] = []
    /// Why the kernel does not take the enforcing programs; nil if it does, or was not asked.
    public var refusal: String?
    /// Nil if the kernel was not asked.
    public var telemetry: Telemetry?
    /// `none`, `integrity` or `confidentiality`; nil if the kernel has no lockdown.
    public var lockdown: String?
    /// Kernel symbols that are read and whose address /proc/kallsyms does not tell.
    public var unknownSymbols: [String] = []
    public var hasTaskStorage = false

    public init() {}

    /// The word `lsm=...` on the kernel's command line.
    var orderOnCommandLine: Substring? { commandLine.split(separator: " ").last { $0.hasPrefix("lsm=") } }
}
