/// What the hook tells the daemon about one container.
public struct HookMessage: Equatable, Sendable {
    public enum Operation: UInt8, Sendable {
        case add = 1
        case remove = 2
    }

    /// One annotation of the container, as the runtime's configuration has it.
    public struct Annotation: Equatable, Sendable {
        public var key: [UInt8]
        public var value: [UInt8]

        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    public var operation: Operation
    /// The OCI state's `id`.
    public var containerID: [UInt8]
    /// Process id of the container's init in the host's pid namespace; 0 in a remove.
    public var pid: UInt32 = 0
    /// Inode number of `/proc/<pid>/ns/pid` as the hook saw it; for the record, since the daemon reads its own.
    public var pidNamespace: UInt64 = 0
    /// Inode number of `/proc/<pid>/ns/mnt` as the hook saw it; the daemon compares it with its own, unless it is 0.
    public var mountNamespace: UInt64 = 0
    /// The init's start time in clock ticks since boot (proc(5), `/proc/<pid>/stat` field 22).
    public var startTime: UInt64 = 0
    /// Path from `/proc/<pid>/cgroup`: the unified hierarchy's, else the first controller's.
    public var cgroupPath: [UInt8] = []
    /// `process.apparmorProfile` of `config.json`.
    public var apparmorProfile: [UInt8] = []
    /// The bundle directory of the OCI state.
    public var bundle: [UInt8] = []
    /// `process.args[0]` of `config.json`.
    public var argument0: [UInt8] = []
    /// `root.path` of `config.json`; relative to the bundle if it does not start with a slash.
    public var rootfs: [UInt8] = []
    public var annotations: [Annotation] = []
    /// Bytes that each takes besides its key and value: the field's head, and the key's length.
    public static let annotationHead = 10
    /// Annotations left out because the frame was full. Those that name the workload are kept first.
    public var annotationsCut: UInt32 = 0

    /// True if the container's own program runs already (`poststart`): there is no setup left to wait for.
    public var hasStarted = false
    /// Where replay found it (`ReplaySources`); 0 in a hook's message.
    public var sources: UInt32 = 0
    /// The runtime, by the word of somebody who speaks with it (NRI); nil: to be told from the bundle and the annotations.
    public var runtime: ContainerRuntime?
    /// Microseconds from the hook's start to its sending this; 0: unknown.
    public var elapsed: UInt32 = 0
    /// How the hook ended whose message this is; only in a spooled one, which is written when that is known.
    public var ending = HookEnding.unknown

    public init(operation: Operation, containerID: [UInt8]) {
        self.operation = operation
        self.containerID = containerID
    }
}

/// How a hook ended that could not deliver its message.
public enum HookEnding: UInt8, Sendable {
    case unknown = 0
    /// The container went on unprotected: `--on-failure allow`.
    case letThrough = 1
    /// The same because of its namespace.
    case letThroughByNamespace = 2
    /// The runtime was told not to start it.
    case denied = 3
}

/// Limits of the texts in a message; beyond them the message is refused by hook and daemon alike.
public enum HookLimits {
    /// runc accepts ids of up to 1,024 bytes.
    public static let containerID = 1024
    /// PATH_MAX of Linux, the terminating NUL included.
    public static let path = 4096
}

extension HookMessage {
    /// The whole frame, length first. Annotations that would make it longer than `bodyLimit` are left out and counted.
    public func encoded(bodyLimit: Int = Frame.bodyLimit) -> [UInt8] {
        var writer = FrameWriter(operation == .add ? .add : .remove, capacity: 2048)
        writer.field(.containerID, containerID)
        if operation == .add {
            writer.field(.pid, pid)
            writer.field(.pidNamespace, pidNamespace)
            writer.field(.mountNamespace, mountNamespace)
            writer.field(.startTime, startTime)
        }
        writer.field(.cgroupPath, cgroupPath)
        writer.field(.apparmorProfile, apparmorProfile)
        writer.field(.bundle, bundle)
        writer.field(.argument0, argument0)
        writer.field(.rootfs, rootfs)
        var cut = annotationsCut
        for annotation in annotationsByWeight(bodyLimit - writer.bytes.count) {
            let size = Self.annotationHead + annotation.key.count + annotation.value.count
            guard writer.bytes.count + size + Self.tailBytes - Frame.lengthBytes <= bodyLimit else {
                cut += 1
                continue
            }
            writer.append(FieldTag.annotation.rawValue)
            writer.append(UInt32(size - 6))
            writer.append(UInt32(annotation.key.count))
            writer.append(annotation.key)
            writer.append(annotation.value)
        }
        if cut > 0 { writer.field(.annotationsCut, cut) }
        if hasStarted { writer.field(.started, UInt8(1)) }
        if sources != 0 { writer.field(.sources, sources) }
        if elapsed != 0 { writer.field(.elapsed, elapsed) }
        if ending != .unknown { writer.field(.ending, ending.rawValue) }
        if let runtime { writer.field(.runtime, runtime.rawValue) }
        return writer.finish()
    }

    /// Bytes of the fields that follow the annotations: one count, two numbers, three flags, each with its head of 6.
    private static var tailBytes: Int { 3 * 10 + 3 * 7 }

    /// The annotations as they are if they fit; else those that name the workload first, so that a pod cannot crowd them out.
    private func annotationsByWeight(_ room: Int) -> [Annotation] {
        var size = 96
        for annotation in annotations { size += Self.annotationHead + annotation.key.count + annotation.value.count }
        guard size > room else { return annotations }
        var naming: [Annotation] = []
        var others: [Annotation] = []
        for annotation in annotations {
            if ContainerRuntime.namesTheWorkload(annotation.key) { naming.append(annotation) } else { others.append(annotation) }
        }
        return naming + others
    }

    /// Reads a request's body, which is the frame without its length.
    ///
    /// - Parameter keepsAnnotations: False to check them only: an add on its way needs none of them as values.
    /// - Throws: `FrameError` for anything that a correct hook would not have written.
    public init(decoding body: ArraySlice<UInt8>, keepsAnnotations: Bool = true) throws(FrameError) {
        var reader = FrameReader(body)
        switch try reader.header() {
        case .add: self.init(operation: .add, containerID: [])
        case .remove: self.init(operation: .remove, containerID: [])
        case .answer, .replayBegin, .replayEnd, .report: throw .type
        }
        var seen: UInt32 = 0
        while !reader.atEnd {
            let rawTag: UInt16 = try reader.integer()
            let size: UInt32 = try reader.integer()
            var value = FrameReader(try reader.take(Int(size)))
            guard let tag = FieldTag(rawValue: rawTag) else {
                if rawTag & Frame.optionalTag != 0 { continue }
                throw .unknownField
            }
            if tag != .annotation {
                guard seen & (1 << UInt32(tag.rawValue)) == 0 else { throw .duplicateField }
                seen |= 1 << UInt32(tag.rawValue)
            }
            switch tag {
            case .containerID: containerID = try value.text(Int(size), limit: HookLimits.containerID)
            case .pid: pid = try value.only()
            case .pidNamespace: pidNamespace = try value.only()
            case .mountNamespace: mountNamespace = try value.only()
            case .startTime: startTime = try value.only()
            case .cgroupPath: cgroupPath = try value.text(Int(size), limit: HookLimits.path)
            case .apparmorProfile: apparmorProfile = try value.text(Int(size), limit: HookLimits.path)
            case .bundle: bundle = try value.text(Int(size), limit: HookLimits.path)
            case .argument0: argument0 = try value.text(Int(size), limit: HookLimits.path)
            case .rootfs: rootfs = try value.text(Int(size), limit: HookLimits.path)
            case .annotationsCut: annotationsCut = try value.only()
            case .started:
                let flag: UInt8 = try value.only()
                hasStarted = flag != 0
            case .sources: sources = try value.only()
            case .elapsed: elapsed = try value.only()
            case .ending:
                let raw: UInt8 = try value.only()
                ending = HookEnding(rawValue: raw) ?? .unknown
            case .runtime:
                let raw: UInt8 = try value.only()
                guard let named = ContainerRuntime(rawValue: raw) else { throw .unknownField }
                runtime = named
            case .problem: throw .unknownField
            case .annotation:
                let keySize: UInt32 = try value.integer()
                let key = try value.take(Int(keySize))
                guard !key.isEmpty, UTF8Check.isValid(key) else { throw .invalidText }
                let rest = try value.take(Int(size) - 4 - Int(keySize))
                guard UTF8Check.isValid(rest) else { throw .invalidText }
                if keepsAnnotations { annotations.append(Annotation(key: Array(key), value: Array(rest))) }
            }
        }
        guard !containerID.isEmpty else { throw .missingField }
        if operation == .add {
            guard pid > 0, pid <= UInt32(Int32.max), startTime > 0 else { throw .missingField }
        }
    }
}

extension FrameReader {
    /// The integer that is all there is in this field.
    mutating func only<Integer: FixedWidthInteger & UnsignedInteger>() throws(FrameError) -> Integer {
        let value: Integer
        do { value = try integer() } catch { throw .fieldSize }
        guard atEnd else { throw .fieldSize }
        return value
    }

    /// A text that may become a path or a file name: UTF-8 without NUL.
    mutating func text(_ count: Int, limit: Int) throws(FrameError) -> [UInt8] {
        guard count <= limit else { throw .invalidText }
        let bytes = try take(count)
        guard UTF8Check.isValid(bytes) else { throw .invalidText }
        let text = Array(bytes)
        guard !text.contains(0) else { throw .invalidText }
        return text
    }
}
