import HookWire

/// The lists of containers that containers/storage keeps beside podman's bundles, in `<graph root>/<driver>-containers`.
public enum PodmanStorage {
    /// podman 5 writes containers that are removed at their end into the second.
    public static let files = ["containers.json", "volatile-containers.json"]
    /// Bytes of one container's `metadata`; podman's has some 200.
    private static let metadataLimit = 64 << 10

    /// The directory of the lists, by the bundle `<directory>/<id>/userdata` of a container; nil for a bundle in any other place.
    public static func directory(ofBundle bundle: [UInt8], id: [UInt8]) -> [UInt8]? {
        let end = Array("/".utf8) + id + Array("/userdata".utf8)
        guard !id.isEmpty, bundle.suffix(end.count).elementsEqual(end) else { return nil }
        let directory = bundle.dropLast(end.count)
        guard directory.first == UInt8(ascii: "/"), directory.suffix(11).elementsEqual("-containers".utf8) else { return nil }
        return Array(directory)
    }

    /// podman 5's database and podman 4's, below the graph root, which is above the lists; a machine that has been upgraded keeps the older one.
    public static func databases(besides lists: [UInt8]) -> (sqlite: [UInt8], bolt: [UInt8]) {
        let root = lists[..<(lists.lastIndex(of: UInt8(ascii: "/")) ?? lists.startIndex)]
        return (root + Array("/db.sql".utf8), root + Array("/libpod/bolt_state.db".utf8))
    }

    /// What podman 4's database keeps of a container as it was made: JSON.
    public static func config(of id: [UInt8], bolt file: some DatabaseBytes) throws(PortcullisError) -> [UInt8]? {
        try BoltFile.value(of: Array("config".utf8), in: [Array("ctr".utf8), id], from: file)
    }

    /// The same of podman 5's: columns ID, Name, PodID, JSON, the last a blob.
    public static func config(of id: [UInt8], sqlite file: some DatabaseBytes) throws(PortcullisError) -> [UInt8]? {
        try SQLiteFile.bytes(column: 3, of: id, in: "ContainerConfig", from: file)
    }

    /// The labels in it.
    public static func labels(inConfig config: [UInt8]) throws(JSONError) -> [HookMessage.Annotation] {
        var reader = JSONReader(ArraySource(config)), labels: [HookMessage.Annotation] = [], key: [UInt8] = [], first = true
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &first, name: &key) {
            if ContainerRuntime.equal(key, "labels") { labels = try reader.readAnnotations() } else { try reader.skipValue() }
        }
        try reader.finish()
        return labels
    }

    /// Reads one list.
    ///
    /// - Parameter only: The one container that is wanted, with which reading stops; nil for all of them.
    /// - Throws: `JSONError` for what is no list of containers.
    public static func names<Source: ByteSource>(in source: Source, only: [UInt8]? = nil) throws(JSONError) -> [[UInt8]: StoredNames] {
        var reader = JSONReader(source)
        var found: [[UInt8]: StoredNames] = [:]
        // Go writes an empty list so.
        if try reader.peekToken() == UInt8(ascii: "n") { return found }
        try reader.beginArray()
        var first = true
        while try reader.nextElement(first: &first) {
            let (id, names) = try container(&reader, only: only)
            if let only, id != only { continue }
            guard !id.isEmpty else { continue }
            found[id] = names
            if only != nil { return found }
        }
        try reader.finish()
        return found
    }

    private static func container<Source: ByteSource>(_ reader: inout JSONReader<Source>, only: [UInt8]?) throws(JSONError) -> ([UInt8], StoredNames) {
        var id: [UInt8] = [], metadata: [UInt8] = [], name: [UInt8] = []
        var key: [UInt8] = [], first = true
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &first, name: &key) {
            if ContainerRuntime.equal(key, "id") {
                id = try reader.readString(limit: HookLimits.containerID)
            } else if let only, !id.isEmpty, id != only {
                // Go writes the id first: the rest of another container is passed over.
                try reader.skipValue()
            } else if ContainerRuntime.equal(key, "names"), try reader.peekToken() == UInt8(ascii: "[") {
                try reader.beginArray()
                var isFirst = true
                while try reader.nextElement(first: &isFirst) {
                    let next = try reader.readString(limit: HookLimits.path)
                    if name.isEmpty { name = next }
                }
            } else if ContainerRuntime.equal(key, "metadata") {
                metadata = try reader.readString(limit: metadataLimit)
            } else {
                try reader.skipValue()
            }
        }
        guard !id.isEmpty, only == nil || id == only else { return (id, StoredNames()) }
        var names = try self.names(inMetadata: metadata)
        // The list knows of a later `podman rename`, the metadata does not.
        if !name.isEmpty { names.name = name }
        return (id, names)
    }

    /// A JSON document of its own, kept as a string. What another program has written there says nothing.
    private static func names(inMetadata metadata: [UInt8]) throws(JSONError) -> StoredNames {
        var names = StoredNames()
        guard metadata.first == UInt8(ascii: "{") else { return names }
        var reader = JSONReader(ArraySource(metadata)), key: [UInt8] = [], first = true
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &first, name: &key) {
            if ContainerRuntime.equal(key, "name") {
                names.name = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(key, "image-name") {
                names.image = try reader.readString(limit: HookLimits.path)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        return names
    }
}
