import CABI

/// A process event as the kernel reported it, its texts still bytes.
public struct ProcessEvent: Sendable {
    public enum Kind: UInt16, Sendable {
        case exec = 1
        case exit = 2
    }

    /// How the kernel found the container.
    public enum Source: UInt16, Sendable {
        case host = 0
        case label = 1
        case key = 2
        case setup = 3
        case stale = 4
    }

    public let kind: Kind
    public let source: Source
    public let reference: SlotReference
    public let header: pc_event
    public let executable: [UInt8]
    /// Arguments, each followed by a NUL but for the last one where they were cut.
    public let arguments: [UInt8]

    /// Nil if the bytes are not an event of this ABI version.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        let headerSize = MemoryLayout<pc_event>.size
        guard bytes.count >= headerSize else { return nil }
        header = bytes.loadUnaligned(as: pc_event.self)
        guard let kind = Kind(rawValue: header.type), let source = Source(rawValue: header.source) else { return nil }
        let executableLength = Int(header.executable_length)
        let argumentsLength = Int(header.arguments_length)
        guard bytes.count >= headerSize + executableLength + argumentsLength else { return nil }
        self.kind = kind
        self.source = source
        reference = SlotReference(slot: header.slot, generation: header.generation)
        executable = Array(bytes[headerSize..<(headerSize + executableLength)])
        arguments = Array(bytes[(headerSize + executableLength)..<(headerSize + executableLength + argumentsLength)])
    }

    /// True for the exec that ended the container's setup: its own first instruction.
    public var isFirst: Bool { kind == .exec && UInt32(header.label_flags) & PC_LABEL_FIRST.rawValue != 0 }

    /// True if the process came in by setns, as `runc exec` and `nsenter` do, or descends from one that did.
    public var hasEntered: Bool { UInt32(header.label_flags) & PC_LABEL_ENTERED.rawValue != 0 || source == .key }

    /// One JSON object: the event and, if it is known, the container.
    public func json(_ container: Container?, _ workload: WorkloadIdentity, wallClockOffset: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", kind == .exec ? "exec" : "exit")
            writer.member("time", Timestamp.text(nanoseconds: header.time &+ wallClockOffset))
            writer.key("container")
            writer.object { writer in describe(container, workload, &writer) }
            writer.key("process")
            writer.object { writer in describeProcess(&writer) }
        }
        return writer.bytes
    }

    private func describe(_ container: Container?, _ workload: WorkloadIdentity, _ writer: inout JSONWriter) {
        writer.member("source", source == .host ? "host" : source == .stale ? "stale" : source == .key ? "key" : "label")
        guard source != .host else { return }
        writer.members(of: container, workload, reference)
        writer.member("mountNamespace", header.mount_namespace)
        writer.member("pidNamespace", header.pid_namespace)
    }

    private func describeProcess(_ writer: inout JSONWriter) {
        writer.members(of: header)
        writer.member("gid", header.gid)
        if kind == .exit {
            writer.member("exitCode", header.exit_code >> 8 & 0xFF)
            writer.member("signal", header.exit_code & 0x7F)
            return
        }
        writer.member("executable", executable)
        writer.key("arguments")
        writer.array { writer in
            for argument in splitArguments() { writer.text(argument) }
        }
        let flags = UInt32(header.flags)
        writer.member("executableCut", flags & PC_EVENT_EXECUTABLE_CUT.rawValue != 0)
        writer.member("argumentsCut", flags & PC_EVENT_ARGUMENTS_CUT.rawValue != 0)
        if flags & PC_EVENT_ARGUMENTS_UNREADABLE.rawValue != 0 { writer.member("argumentsUnreadable", true) }
        writer.member("first", isFirst)
        writer.member("entered", hasEntered)
    }

    /// The arguments one by one; empty ones are arguments too.
    public func splitArguments() -> [ArraySlice<UInt8>] {
        guard !arguments.isEmpty else { return [] }
        var parts = arguments.split(separator: 0, omittingEmptySubsequences: false)
        // The NUL behind the last argument is an end, not a separator.
        if arguments.last == 0 { parts.removeLast() }
        return parts
    }
}
