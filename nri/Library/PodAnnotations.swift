import HookWire

/// A pod's annotations, as far as the daemon is told of them. They are its author's words: people read them, and nothing is decided by them.
public struct PodAnnotations: Equatable, Sendable {
    /// Bytes of all of them in a message. Tools keep whole documents in annotations, and what stands in a container's record must leave its labels their room.
    public static let limit = 2 << 10

    /// In the order of their keys; not those by which the daemon would take the author's word for the runtime's.
    public let kept: [HookMessage.Annotation]
    /// Annotations that found no room.
    public let cut: Int

    public init(_ annotations: [String: String]) {
        var size = 0, kept: [HookMessage.Annotation] = [], left = 0
        for (key, value) in annotations.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            guard !Self.isReserved(key) else { continue }
            let bytes = HookMessage.annotationHead + key.utf8.count + value.utf8.count
            guard size + bytes <= Self.limit else {
                left += 1
                continue
            }
            size += bytes
            kept.append(HookMessage.Annotation(key: Array(key.utf8), value: Array(value.utf8)))
        }
        self.kept = kept
        cut = left
    }

    private static func isReserved(_ key: String) -> Bool {
        key.hasPrefix("io.kubernetes.") || key.hasPrefix("portcullis.io/") || ContainerRuntime.namesTheWorkload(Array(key.utf8))
    }
}
