#if !SINGLE_MODULE
import HookWire
#endif

/// The container's state as the runtime writes it to a hook's standard input (OCI runtime specification, "State").
struct OCIState {
    var containerID: [UInt8] = []
    var status: [UInt8] = []
    var pid = 0
    var bundle: [UInt8] = []
    var annotations: [HookMessage.Annotation] = []

    /// Reads one state and nothing after it.
    static func read<Source: ByteSource>(_ source: Source) throws(JSONError) -> OCIState {
        var reader = JSONReader(source, window: DescriptorSource.window)
        var state = OCIState()
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "id") {
                state.containerID = try reader.readString(limit: JSONLimits.documentBytes)
            } else if ContainerRuntime.equal(name, "status") {
                state.status = try reader.readString(limit: 64)
            } else if ContainerRuntime.equal(name, "pid") {
                state.pid = try reader.readNumber()
            } else if ContainerRuntime.equal(name, "bundle") {
                state.bundle = try reader.readString(limit: JSONLimits.documentBytes)
            } else if ContainerRuntime.equal(name, "annotations") {
                state.annotations = try reader.readAnnotations()
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        return state
    }

    /// What the status asks for; nil if it is none that the specification knows.
    ///
    /// The stage is not asked: the same binary serves `prestart`, `createRuntime`, `poststart` and `poststop`.
    var operation: HookMessage.Operation? {
        if ContainerRuntime.equal(status, "creating") || ContainerRuntime.equal(status, "created") { return .add }
        if ContainerRuntime.equal(status, "running") { return .add }
        return ContainerRuntime.equal(status, "stopped") ? .remove : nil
    }

    /// What is wrong with the fields that every operation needs, nil if nothing is.
    var problem: StaticString? {
        if containerID.isEmpty { return "the OCI state has no id" }
        if containerID.count > HookLimits.containerID { return "the container id is longer than 1024 bytes" }
        for byte in containerID where byte <= 0x20 || byte == UInt8(ascii: "/") || byte >= 0x7F {
            return "the container id has a character that no runtime allows"
        }
        guard let operation else { return "the OCI state's status is none of creating, created, running, stopped" }
        guard operation == .add else { return nil }
        if pid == 0 { return "the OCI state has no pid" }
        if bundle.isEmpty || bundle[0] != UInt8(ascii: "/") { return "the OCI state has no absolute bundle path" }
        if bundle.count >= HookLimits.path || bundle.contains(0) { return "the bundle path is not usable" }
        return nil
    }
}
