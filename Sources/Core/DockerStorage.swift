import HookWire

/// The file in which Docker keeps what it knows of a container, in `<data root>/containers/<id>`.
public enum DockerStorage {
    /// Where containers are that do not say more: those of containerd's image store, whose root file system is in the bundle.
    private static let usualRoot = "/var/lib/docker"

    /// Whether containerd has made the bundle for Docker.
    public static func isBundle(_ bundle: [UInt8], id: [UInt8]) -> Bool {
        let end = Array("/io.containerd.runtime.v2.task/moby/".utf8) + id
        return !id.isEmpty && !id.contains(UInt8(ascii: "/")) && bundle.first == UInt8(ascii: "/") && bundle.suffix(end.count).elementsEqual(end)
    }

    /// Where the file may be, the likeliest first, by the root file system: `<data root>/overlay2/<layer>/merged`, `vfs/dir/<layer>` and their like.
    public static func files(rootfs: [UInt8], id: [UInt8]) -> [String] {
        let parts = rootfs.split(separator: UInt8(ascii: "/"))
        var roots: [String] = []
        if rootfs.first == UInt8(ascii: "/"), parts.count > 3 {
            roots = [3, 4].map { "/" + String(decoding: Array(parts.dropLast($0).joined(separator: [UInt8(ascii: "/")])), as: UTF8.self) }
        }
        if !roots.contains(usualRoot) { roots.append(usualRoot) }
        return roots.map { "\($0 == "/" ? "" : $0)/containers/\(String(decoding: id, as: UTF8.self))/config.v2.json" }
    }

    /// Reads the file; nil if it is another container's.
    ///
    /// - Throws: `JSONError` for what is no such file.
    public static func names<Source: ByteSource>(in source: Source, of id: [UInt8]) throws(JSONError) -> StoredNames? {
        var reader = JSONReader(source), names = StoredNames(), found: [UInt8] = [], key: [UInt8] = [], first = true
        let mark = try reader.beginObject()
        while try reader.nextKey(mark, first: &first, name: &key) {
            if ContainerRuntime.equal(key, "ID") {
                found = try reader.readString(limit: HookLimits.containerID)
            } else if ContainerRuntime.equal(key, "Name") {
                names.name = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(key, "Config"), try reader.peekToken() == UInt8(ascii: "{") {
                let inner = try reader.beginObject()
                var innerFirst = true
                while try reader.nextKey(inner, first: &innerFirst, name: &key) {
                    if ContainerRuntime.equal(key, "Image") {
                        names.image = try reader.readString(limit: HookLimits.path)
                    } else if ContainerRuntime.equal(key, "Labels") {
                        names.labels = try reader.readAnnotations()
                    } else {
                        try reader.skipValue()
                    }
                }
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        // Docker's own names begin with it; users never write it.
        if names.name.first == UInt8(ascii: "/") { names.name.removeFirst() }
        return found == id ? names : nil
    }
}
