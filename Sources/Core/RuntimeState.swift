import HookWire

/// What a runtime's own state file says of a container that it made.
public struct RuntimeState: Equatable, Sendable {
    public var id: [UInt8] = []
    public var pid = 0
    /// Clock ticks since boot (proc(5), `/proc/<pid>/stat` field 22); both runtimes keep it.
    public var startTime: UInt64 = 0
    public var bundle: [UInt8] = []
    public var rootfs: [UInt8] = []
    public var cgroupPath: [UInt8] = []
    public var apparmorProfile: [UInt8] = []
    /// The annotations of `config.json` as they were when the container was made. crun's file has none.
    public var annotations: [HookMessage.Annotation] = []

    public init() {}

    /// What 2^60 ticks would be: 365 million years.
    private static let ticksLimit: UInt64 = 1 << 60

    /// Reads runc's `state.json` (runc 1.1 and 1.3: libcontainer's `State`).
    public static func runc<Source: ByteSource>(_ source: Source) throws(JSONError) -> RuntimeState {
        var reader = JSONReader(source)
        var state = RuntimeState()
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "id") {
                state.id = try reader.readString(limit: HookLimits.containerID)
            } else if ContainerRuntime.equal(name, "init_process_pid") {
                state.pid = try reader.readNumber()
            } else if ContainerRuntime.equal(name, "init_process_start") {
                state.startTime = try reader.readInteger(limit: ticksLimit)
            } else if ContainerRuntime.equal(name, "config"), try reader.peekToken() == UInt8(ascii: "{") {
                try state.readConfiguration(&reader)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        state.endTextsAtNUL()
        return state
    }

    /// As the kernel would see them, and as `BundleConfig` reads them: a C string ends at its NUL.
    private mutating func endTextsAtNUL() {
        id = Self.untilNUL(id)
        bundle = Self.untilNUL(bundle)
        rootfs = Self.untilNUL(rootfs)
        cgroupPath = Self.untilNUL(cgroupPath)
        apparmorProfile = Self.untilNUL(apparmorProfile)
    }

    private static func untilNUL(_ text: [UInt8]) -> [UInt8] { text.firstIndex(of: 0).map { Array(text[..<$0]) } ?? text }

    private mutating func readConfiguration<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) {
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "rootfs") {
                rootfs = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(name, "apparmor_profile") {
                apparmorProfile = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(name, "labels"), try reader.peekToken() == UInt8(ascii: "[") {
                try reader.beginArray()
                var isFirst = true
                while try reader.nextElement(first: &isFirst) { take(label: try reader.readString(limit: JSONLimits.documentBytes)) }
            } else {
                try reader.skipValue()
            }
        }
    }

    /// runc keeps the annotations as `key=value`, and behind them the bundle's path as one more (specconv, `CreateLibcontainerConfig`). So the last one is
    /// the path, and one before it is an annotation of that name: nobody who writes annotations may choose the bundle, which says what is believed.
    private mutating func take(label: [UInt8]) {
        guard let equals = label.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return }
        let key = Array(label[..<equals]), value = Array(label[(equals + 1)...])
        if ContainerRuntime.equal(key, "bundle") {
            if !bundle.isEmpty { annotations.append(HookMessage.Annotation(key: key, value: bundle)) }
            bundle = value
        } else {
            annotations.append(HookMessage.Annotation(key: key, value: value))
        }
    }

    /// Reads crun's `status` (crun 1.8: `libcrun_container_status_t`). The id is the name of the directory that the file is in.
    public static func crun<Source: ByteSource>(_ source: Source, id: [UInt8]) throws(JSONError) -> RuntimeState {
        var reader = JSONReader(source)
        var state = RuntimeState()
        state.id = id
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "pid") {
                state.pid = try reader.readNumber()
            } else if ContainerRuntime.equal(name, "process-start-time") {
                state.startTime = try reader.readInteger(limit: ticksLimit)
            } else if ContainerRuntime.equal(name, "bundle") {
                state.bundle = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(name, "rootfs") {
                state.rootfs = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(name, "cgroup-path") {
                state.cgroupPath = try reader.readString(limit: HookLimits.path)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        state.endTextsAtNUL()
        return state
    }
}
