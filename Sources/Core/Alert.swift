import CABI

/// A verdict that the kernel reported, its paths still bytes.
public struct Alert: Sendable {
    /// Fields of a policy with the words that KubeArmor's alerts use.
    public struct Rule: Equatable, Sendable {
        public var policy: String
        public var namespace: String
        /// As `PolicyRule.Section` writes it.
        public var section: String
        /// The rule's place in the policy: `file.matchPaths[2]`.
        public var field: String
        public var file: String
        public var line: Int
        public var severity: Int
        public var tags: [String]
        public var message: String
    }

    public let header: pc_alert
    public let reference: SlotReference
    public let path: [UInt8]
    public let executable: [UInt8]
    public let parentExecutable: [UInt8]
    /// Of the process; of an exec those that the new program was to have. Each followed by a NUL but for the last one where they were cut.
    public let arguments: [UInt8]
    /// The working directory.
    public let directory: [UInt8]
    /// True: nothing was enforced, and the daemon judged an event afterwards.
    public let isObserved: Bool

    /// Nil if the bytes are not an alert of this ABI version.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        let size = MemoryLayout<pc_alert>.size
        guard bytes.count >= size else { return nil }
        header = bytes.loadUnaligned(as: pc_alert.self)
        let lengths = [header.path_length, header.executable_length, header.parent_length, header.arguments_length, header.directory_length]
        guard bytes.count >= lengths.reduce(size, { $0 + Int($1) }), header.operation > 0, header.operation < PC_OPERATIONS.rawValue else { return nil }
        isObserved = false
        reference = SlotReference(slot: header.slot, generation: header.generation)
        var start = size
        func next(_ length: UInt16) -> [UInt8] {
            defer { start += Int(length) }
            return Array(bytes[start..<(start + Int(length))])
        }
        path = next(header.path_length)
        executable = next(header.executable_length)
        parentExecutable = next(header.parent_length)
        // Behind the arguments of a program that is to be executed stands its environment, which is nobody's business.
        arguments = Self.counted(next(header.arguments_length), header.argument_count, isExec: Self.isExec(header))
        directory = next(header.directory_length)
    }

    private static func isExec(_ header: pc_alert) -> Bool { UInt32(header.operation) == PC_OPERATION_EXEC.rawValue }

    /// The first `count` texts of `bytes`, which go on with others; of 0 all of them, but for an exec, which then has no arguments.
    private static func counted(_ bytes: [UInt8], _ count: UInt32, isExec: Bool) -> [UInt8] {
        guard count > 0 else { return isExec ? [] : bytes }
        var left = count
        let end = bytes.firstIndex { byte in
            if byte == 0 { left -= 1 }
            return left == 0
        }
        return end.map { Array(bytes[...$0]) } ?? bytes
    }

    /// What the daemon found about an event.
    init(observed header: pc_alert, _ event: Event, path: [UInt8]) {
        self.header = header
        self.path = path
        isObserved = true
        reference = SlotReference(slot: header.slot, generation: header.generation)
        (executable, parentExecutable) = (Array(event.executable), Array(event.parentExecutable))
        (arguments, directory) = (Array(event.arguments), Array(event.directory))
    }

    /// The terminal of the process, as the kernel names it; empty without.
    public var terminal: [UInt8] { withUnsafeBytes(of: header.tty) { Array($0.prefix { $0 != 0 }) } }

    /// With the time it names the alert.
    public var cpu: UInt16 { header.cpu }

    /// As the kernel would have written it, and nothing more: what the kernel wrote may go on with an environment.
    public func withRecord(_ body: (UnsafeRawBufferPointer) -> Void) {
        var header = header
        let texts = [path, executable, parentExecutable, arguments, directory]
        let lengths = texts.map { UInt16(clamping: $0.count) }
        (header.path_length, header.executable_length, header.parent_length) = (lengths[0], lengths[1], lengths[2])
        (header.arguments_length, header.directory_length) = (lengths[3], lengths[4])
        header.argument_count = Self.isExec(header) ? UInt32(Event.split(arguments[...]).count) : 0
        let bytes = withUnsafeBytes(of: header) { Array($0) } + zip(texts, lengths).flatMap { $0.prefix(Int($1)) }
        bytes.withUnsafeBytes(body)
    }

    /// Whether it is about a process that is in no container.
    public var isOfHost: Bool { header.slot == PC_SLOT_HOST.magnitude }

    /// Whose rules were asked.
    public var section: PolicyRule.Section { PolicyRule.Section(automaton: UInt32(header.automaton)) ?? .file }

    /// By the rules; an observed one passed all the same.
    public var isDenied: Bool { header.decision & 3 == PC_ACTION_BLOCK.rawValue }
    /// It would have been denied, had enforcement not been paused.
    public var isPaused: Bool { header.decision & UInt32(PC_DECISION_PAUSED) != 0 }
    /// The rule's number in its set; PC_RULE_NONE: no rule but the posture, or a reason of its own.
    public var ruleNumber: UInt32 { header.decision >> 8 }

    /// The name that KubeArmor gives to what the posture decides.
    public static let posturePolicy = "DefaultPosture"

    /// The rule that decided, looked up in its set.
    public func rule(in set: CompiledPolicySet?) -> Rule? {
        guard ruleNumber != PC_RULE_NONE.magnitude, let found = set?.rule(ruleNumber) else { return nil }
        return Rule(
            policy: found.policy.name, namespace: found.policy.ownNamespace, section: found.rule.section.rawValue, field: found.rule.field,
            file: found.policy.origin.file, line: found.rule.line, severity: found.rule.severity, tags: found.rule.tags,
            message: found.rule.message)
    }

    /// What was attempted, as one word.
    public var operation: String { Self.operation(header.operation) }

    /// - Precondition: It is below `PC_OPERATIONS`.
    public static func operation(_ number: UInt16) -> String { Operation.name(number) }

    /// Why, beyond what a rule says; empty where a rule or the posture decided.
    public var reason: String {
        switch UInt32(header.reason) {
        case PC_REASON_RULE.rawValue: ""
        case PC_REASON_TOO_LONG.rawValue: "the path is too long or too deep to be judged"
        case PC_REASON_DETACHED.rawValue: "the file is in no mount tree"
        case PC_REASON_CHANGING.rawValue: "the path changed each time it was read"
        case PC_REASON_SCRATCH.rawValue: "too many verdicts at once on this CPU"
        case PC_REASON_FOREIGN.rawValue: "the file is outside the container's mount tree"
        case PC_REASON_IMAGE.rawValue: "the policy set is not whole"
        case PC_REASON_STALE.rawValue: "the process belongs to a container that is gone"
        case PC_REASON_MOUNTS.rawValue: "containers with path rules may not change their mounts"
        case PC_REASON_ANCESTOR.rawValue: "a rule names what is below this directory"
        case PC_REASON_NAMED.rawValue: "a process rule names this file"
        case PC_REASON_ARGUMENTS.rawValue: "the arguments cannot be read"
        case PC_REASON_MESSAGE.rawValue: "it is not one whole DNS query in one call"
        default: "reason \(header.reason)"
        }
    }

    /// One JSON object.
    public func json(_ set: CompiledPolicySet?, _ container: Container?, _ workload: WorkloadIdentity, wallClockOffset: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", "alert")
            writer.member("time", Timestamp.text(nanoseconds: header.time &+ wallClockOffset))
            describe(rule(in: set), set != nil, &writer)
            writer.member("action", isPaused || (isDenied && isObserved) ? "Audit (Block)" : isDenied ? "Block" : "Audit")
            writer.member("result", section == .syscalls ? outcome : isDenied && !isObserved ? refusal : "Passed")
            writer.member("enforcer", isObserved ? "observer" : "BPFLSM")
            writer.member("operation", operation)
            if let resource {
                writer.member("resource", resource)
            } else if section == .syscalls {
                writer.member("syscall", SystemCall.name(header.syscall))
                writer.member("path", path)
                writer.member("rawPath", header.raw_path != 0 && !path.isEmpty)
            } else {
                writer.member("access", header.write != 0 ? "write" : "read")
                writer.member("path", path)
            }
            writer.member("executable", executable)
            writer.member("parentExecutable", parentExecutable)
            writer.member("reason", reason)
            writer.member("host", isOfHost)
            writer.key("container")
            writer.object { writer in writer.members(of: container, workload, reference) }
            writer.key("process")
            writer.object { writer in
                writer.members(of: header)
                if !isObserved, resource == nil, section != .syscalls { writer.member("fileOwner", header.owner) }
                writer.key("arguments")
                writer.array { writer in for argument in Event.split(arguments[...]) { writer.text(argument) } }
                writer.member("directory", directory)
                writer.member("terminal", terminal)
            }
        }
        return writer.bytes
    }

    private func describe(_ rule: Rule?, _ isSetKnown: Bool, _ writer: inout JSONWriter) {
        let isPosture = ruleNumber == PC_RULE_NONE.magnitude && UInt32(header.reason) == PC_REASON_RULE.rawValue
        writer.member("policy", rule?.policy ?? (isPosture ? Self.posturePolicy : ""))
        writer.member("namespace", rule?.namespace ?? "")
        writer.member("section", rule?.section ?? section.rawValue)
        writer.member("rule", rule?.field ?? "")
        // A rule of a set that an earlier daemon made, of policies that are others now.
        if rule == nil, ruleNumber != PC_RULE_NONE.magnitude { writer.member("ruleNumber", ruleNumber) }
        writer.member("file", rule?.file ?? "")
        writer.member("line", rule?.line ?? 0)
        writer.member("severity", rule?.severity ?? 0)
        writer.key("tags")
        writer.array { writer in for tag in rule?.tags ?? [] { writer.string(tag) } }
        writer.member("message", rule?.message ?? "")
    }
}
