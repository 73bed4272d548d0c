import HookWire

/// What a container is called, what it was made of and how it is labelled, by what podman or Docker keeps on disk. Its `config.json` says none of it.
public struct StoredNames: Equatable, Sendable {
    public var name: [UInt8] = []
    /// The image's name as it was asked for; empty for a container without one.
    public var image: [UInt8] = []
    /// The image's and those that the container was given.
    public var labels: [HookMessage.Annotation] = []

    public init() {}

    /// Bytes of all labels as JSON, so that the rest of a container's record has room beside them.
    public static let labelsLimit = 12 << 10

    /// Leaves out the longest labels until the others keep the limit: those that people select by are short. Returns how many had to go.
    public mutating func cutLabels() -> Int {
        let sizes = labels.map { label in
            var writer = JSONWriter()
            writer.member(String(decoding: label.key, as: UTF8.self), label.value)
            return writer.bytes.count + 1
        }
        var total = sizes.reduce(2, +), left: Set<Int> = []
        for index in sizes.indices.sorted(by: { sizes[$0] > sizes[$1] }) where total > Self.labelsLimit {
            total -= sizes[index]
            left.insert(index)
        }
        labels = labels.indices.filter { !left.contains($0) }.map { labels[$0] }
        return left.count
    }

    fileprivate var labelsAsJSON: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in for label in labels { writer.member(String(decoding: label.key, as: UTF8.self), label.value) } }
        return writer.bytes
    }
}

/// Who keeps a container's name, image and labels on disk.
public enum NameStore: Equatable, Sendable {
    /// podman, with the directory of its lists.
    case podman(lists: [UInt8])
    case docker

    /// Whether a container can be one's, by its bundle alone: for a message without its annotations.
    public static func isThinkable(_ message: HookMessage) -> Bool {
        DockerStorage.isBundle(message.bundle, id: message.containerID) || PodmanStorage.directory(ofBundle: message.bundle, id: message.containerID) != nil
    }

    /// nil for any other container.
    public init?(_ message: HookMessage) {
        if DockerStorage.isBundle(message.bundle, id: message.containerID) {
            self = .docker
        } else if let lists = PodmanStorage.directory(ofBundle: message.bundle, id: message.containerID),
            ContainerRuntime.detect(bundle: message.bundle, annotations: message.annotations) == .podman {
            self = .podman(lists: lists)
        } else {
            return nil
        }
    }
}

extension HookMessage {
    private static let storedKeys = [ContainerRuntime.storedNameKey, ContainerRuntime.storedImageKey, ContainerRuntime.storedLabelsKey]

    /// Says in annotations of our own what a container of podman's or Docker's is called.
    ///
    /// They count because only this writes them: what stood under these keys before came out of `config.json`, where any `--annotation` puts it, and
    /// goes, whether something is known or not.
    public mutating func setNames(_ names: StoredNames?) {
        annotations.removeAll { annotation in Self.storedKeys.contains { ContainerRuntime.equal(annotation.key, $0) } }
        guard let names else { return }
        let values = [names.name, names.image, names.labels.isEmpty ? [] : names.labelsAsJSON]
        for (key, value) in zip(Self.storedKeys, values) where !value.isEmpty && !value.contains(0) {
            annotations.append(Annotation(key: Array("\(key)".utf8), value: value))
        }
    }

    /// Whether the annotations of our own are this program's word: whoever makes another container may write them.
    var hasStoredNames: Bool { NameStore(self) != nil }
}
