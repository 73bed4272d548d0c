import CABI

/// An event as the kernel reported it, its texts still bytes.
public struct Event: Sendable {
    public enum Kind: UInt16, CaseIterable, Sendable {
        case exec = 1
        case exit = 2
        case file = 3
        case network = 4
        case systemCall = 5
        case capability = 6
        /// An exec that did not come about; the process is what it was.
        case execFailed = 7
    }

    /// How the kernel found the container.
    public enum Source: UInt16, Sendable {
        case host = 0
        case label = 1
        case key = 2
        case setup = 3
        case stale = 4
    }

    /// What has to be known to hand an event on: read in place, since there may be a million of them in a second.
    public struct Outline: Sendable {
        public let kind: Kind
        public let source: Source
        public let reference: SlotReference

        /// Nil if the bytes are not an event of this ABI version.
        public init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= MemoryLayout<pc_event>.size else { return nil }
            func half(_ offset: Int?) -> UInt16 { bytes.loadUnaligned(fromByteOffset: offset ?? 0, as: UInt16.self) }
            func word(_ offset: Int?) -> UInt32 { bytes.loadUnaligned(fromByteOffset: offset ?? 0, as: UInt32.self) }
            guard let kind = Kind(rawValue: half(MemoryLayout<pc_event>.offset(of: \.type))),
                let source = Source(rawValue: half(MemoryLayout<pc_event>.offset(of: \.source)))
            else { return nil }
            (self.kind, self.source) = (kind, source)
            reference = SlotReference(slot: word(MemoryLayout<pc_event>.offset(of: \.slot)), generation: word(MemoryLayout<pc_event>.offset(of: \.generation)))
        }
    }

    public let kind: Kind
    public let source: Source
    public let reference: SlotReference
    public let header: pc_event
    /// All texts, one behind the other: one copy is cheaper than six, where there may be a million events in a second.
    private let texts: [UInt8]

    /// What the process runs, as its mount namespace has it; empty for one that ends.
    public var executable: ArraySlice<UInt8> { texts[..<parentStart] }
    public var parentExecutable: ArraySlice<UInt8> { texts[parentStart..<argumentsStart] }
    /// Arguments, each followed by a NUL but for the last one where they were cut.
    public var arguments: ArraySlice<UInt8> { texts[argumentsStart..<directoryStart] }
    /// The working directory; or the directory that `path` is relative to, where the call names another.
    public var directory: ArraySlice<UInt8> { texts[directoryStart..<pathStart] }
    /// What it is about: a file's path, or what the caller gave as such. Of an exec the latter.
    public var path: ArraySlice<UInt8> { texts[pathStart..<otherPathStart] }
    /// The new name of a rename or a link, the target of a symbolic link, the source of a mount.
    public var otherPath: ArraySlice<UInt8> { texts[otherPathStart...] }

    private var parentStart: Int { Int(header.executable_length) }
    private var argumentsStart: Int { parentStart + Int(header.parent_length) }
    private var directoryStart: Int { argumentsStart + Int(header.arguments_length) }
    private var pathStart: Int { directoryStart + Int(header.directory_length) }
    private var otherPathStart: Int { pathStart + Int(header.path_length) }

    /// Nil if the bytes are not an event of this ABI version.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        let size = MemoryLayout<pc_event>.size
        guard bytes.count >= size else { return nil }
        let header = bytes.loadUnaligned(as: pc_event.self)
        guard let kind = Kind(rawValue: header.type), let source = Source(rawValue: header.source), header.operation < PC_OPERATIONS.rawValue else { return nil }
        let names = Int(header.executable_length) + Int(header.parent_length) + Int(header.arguments_length)
        let end = size + names + Int(header.directory_length) + Int(header.path_length) + Int(header.other_path_length)
        guard bytes.count >= end else { return nil }
        self.header = header
        self.kind = kind
        self.source = source
        reference = SlotReference(slot: header.slot, generation: header.generation)
        texts = Array(bytes[size..<end])
    }

    public func has(_ flag: pc_event_flag) -> Bool { UInt32(header.flags) & flag.rawValue != 0 }

    /// Of what kind an event of process, file and so on is, in the words of visibility.
    public var visibilityClass: Visibility.Class {
        switch kind {
        case .exec, .exit, .execFailed, .systemCall: .process
        case .file: .file
        case .network: isQuery ? .dns : .network
        case .capability: .capabilities
        }
    }

    /// A message to a name server; `path` is the name that it asks for.
    public var isQuery: Bool { kind == .network && UInt32(header.operation) == PC_OPERATION_DNS.rawValue }

    /// True for the exec that ended the container's setup: its own first instruction.
    public var isFirst: Bool { kind == .exec && UInt32(header.label_flags) & PC_LABEL_FIRST.rawValue != 0 }

    /// True if the process came in by setns, as `runc exec` and `nsenter` do, or descends from one that did.
    public var hasEntered: Bool { UInt32(header.label_flags) & PC_LABEL_ENTERED.rawValue != 0 || source == .key }

    /// What was done, as one word.
    public var operation: String { Operation.name(header.operation) }

    /// The system call's name; empty for what is none.
    public var systemCall: String {
        switch kind {
        case .exec, .exit, .capability: ""
        case .file, .network, .systemCall, .execFailed: SystemCall.name(header.syscall)
        }
    }

    /// What it came to, in KubeArmor's words: an error's is that of its number.
    public var outcome: String {
        if has(PC_EVENT_NO_RESULT) { return "Unknown" }
        return header.result < 0 && header.result > -4096 ? SystemErrorText.text(-header.result) : "Passed"
    }

    /// `path`, from the root on where the caller gave it relative to a directory. What is in it, `..` and links, is left as it is.
    public var fullPath: ArraySlice<UInt8> { kind == .network || !has(PC_EVENT_RAW_PATH) ? path : joined(path) }
    /// The same of `otherPath`, but for a symbolic link's target, which is relative to the link.
    public var fullOtherPath: ArraySlice<UInt8> {
        has(PC_EVENT_RAW_OTHER_PATH) && UInt32(header.operation) != PC_OPERATION_SYMLINK.rawValue && UInt32(header.operation) != PC_OPERATION_MOUNT.rawValue
            ? joined(otherPath) : otherPath
    }

    private func joined(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if path.first == UInt8(ascii: "/") || directory.isEmpty || has(PC_EVENT_PATH_UNREADABLE) { return path }
        // An empty one stands for the directory itself, or for the file that a descriptor in its place is of (AT_EMPTY_PATH).
        if path.isEmpty { return directory }
        return directory == [UInt8(ascii: "/")] ? directory + path : directory + [UInt8(ascii: "/")] + path
    }

    /// The address of the peer or of the socket itself, as alerts write it; nil if there is none.
    public var address: String? {
        let isKnown = header.port != 0 || withUnsafeBytes(of: header.address) { $0.contains { $0 != 0 } }
        return isKnown ? SocketAddress.text(header.address, family: Int(header.socket_family)) : nil
    }

    /// The terminal of the process, as the kernel names it; empty without.
    public var terminal: [UInt8] { withUnsafeBytes(of: header.tty) { Array($0.prefix { $0 != 0 }) } }

    /// The arguments one by one; empty ones are arguments too.
    public func splitArguments() -> [ArraySlice<UInt8>] { Self.split(arguments) }

    static func split(_ arguments: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        guard !arguments.isEmpty else { return [] }
        var parts = arguments.split(separator: 0, omittingEmptySubsequences: false)
        // The NUL behind the last argument is an end, not a separator.
        if arguments.last == 0 { parts.removeLast() }
        return parts
    }
}
