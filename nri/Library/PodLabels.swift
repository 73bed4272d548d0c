import Core
import HookWire

/// A pod's labels as one annotation, which containerd writes into the bundle, and the hook reads there.
public struct PodLabels {
    public static let key = "\(ContainerRuntime.podLabelsKey)"
    /// Bytes of the annotation. Kubernetes bounds each label (63 bytes of value, 316 of key), and not how many there are.
    public static let limit = 16 << 10

    /// The JSON object, members in the order of their keys.
    public let annotation: [UInt8]
    /// Labels that found no room.
    public let cut: Int

    public init(_ labels: [String: String]) {
        var size = 2, kept: [(String, String)] = [], left = 0
        for (key, value) in labels.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            var writer = JSONWriter()
            writer.string(key)
            writer.string(value)
            // The comma that the writer puts between the two stands for the colon; one more parts it from the next.
            guard size + writer.bytes.count + 1 <= Self.limit else {
                left += 1
                continue
            }
            size += writer.bytes.count + 1
            kept.append((key, value))
        }
        cut = left
        var writer = JSONWriter()
        writer.object { writer in for (key, value) in kept { writer.member(key, value) } }
        annotation = writer.bytes
    }
}
