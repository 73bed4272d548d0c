import HookWire

@testable import Core

/// What hook and daemon promise each other about a message.
enum HookWirePromises {
    /// The daemon takes what a hook has made, and reads in it what the hook wrote.
    static func daemonTakes(_ message: HookMessage) throws(BrokenPromise) {
        let frame = message.encoded()
        let length = (0..<Frame.lengthBytes).reduce(0) { $0 | Int(frame[$1]) << ($1 * 8) }
        try promise(length == frame.count - Frame.lengthBytes && length <= Frame.bodyLimit, "a frame of \(frame.count) bytes says \(length)")
        let decoded: HookMessage
        do { decoded = try HookMessage(decoding: frame[Frame.lengthBytes...]) } catch { throw BrokenPromise(description: "refused by the daemon: \(error)") }
        var expected = message
        if decoded.annotationsCut > message.annotationsCut {
            try promise(decoded.annotations.count + Int(decoded.annotationsCut) == message.annotations.count + Int(message.annotationsCut), "annotations are lost")
            (expected.annotations, expected.annotationsCut) = (decoded.annotations, decoded.annotationsCut)
        }
        try promise(decoded == expected, "\(decoded) instead of \(expected)")
        try use(decoded, frame[Frame.lengthBytes...])
    }

    /// What the daemon does with every message.
    static func use(_ message: HookMessage, _ body: ArraySlice<UInt8>) throws(BrokenPromise) {
        let labels = ContainerLabels(message), workload = WorkloadIdentity(message)
        try promise(workload.runtime == ContainerRuntime.detect(bundle: message.bundle, annotations: message.annotations), "two runtimes")
        try promise(!labels.namespace.isEmpty, "no namespace")
        let bounded = ContainerRecord.bounded(body)
        try promise(bounded.count <= ContainerRecord.limit - 16, "a record of \(bounded.count) bytes")
        let again = try? HookMessage(decoding: bounded[...])
        try promise(again?.containerID == message.containerID && again?.bundle == message.bundle, "a record of another container")
        // Annotations that name the workload are never cut.
        if let again { try promise(WorkloadIdentity(again).namespace == workload.namespace || again.annotationsCut > 0, "a record in another namespace") }
    }
}
