/// What is wanted of a bundle's `config.json` (OCI runtime specification, "Configuration"), by the hook and by replay.
public struct BundleConfig {
    public private(set) var annotations: [HookMessage.Annotation] = []
    public private(set) var apparmorProfile: [UInt8] = []
    public private(set) var argument0: [UInt8] = []
    public private(set) var rootfs: [UInt8] = []

    /// Reads one configuration; members that are not needed are checked and skipped, in whatever order they come.
    ///
    /// - Parameter window: What the document is read through; nil for a buffer of its own.
    public static func read<Source: ByteSource>(
        _ source: Source, window: UnsafeMutableRawBufferPointer? = nil
    ) throws(JSONError) -> BundleConfig {
        var reader = JSONReader(source, window: window)
        var config = BundleConfig()
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "annotations") {
                config.annotations = try reader.readAnnotations()
            } else if ContainerRuntime.equal(name, "process") {
                try config.readProcess(&reader)
            } else if ContainerRuntime.equal(name, "root") {
                try config.readRoot(&reader)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        // As the kernel would see them: a C string ends at its NUL.
        config.argument0 = untilNUL(config.argument0)
        config.apparmorProfile = untilNUL(config.apparmorProfile)
        config.rootfs = untilNUL(config.rootfs)
        return config
    }

    private static func untilNUL(_ text: [UInt8]) -> [UInt8] {
        guard let end = text.firstIndex(of: 0) else { return text }
        return Array(text[..<end])
    }

    private mutating func readProcess<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) {
        guard try reader.peekToken() == UInt8(ascii: "{") else { return try reader.skipValue() }
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "apparmorProfile") {
                apparmorProfile = try reader.readString(limit: HookLimits.path)
            } else if ContainerRuntime.equal(name, "args"), try reader.peekToken() == UInt8(ascii: "[") {
                try reader.beginArray()
                var firstElement = true
                var isArgument0 = true
                while try reader.nextElement(first: &firstElement) {
                    if isArgument0 {
                        isArgument0 = false
                        argument0 = try reader.readString(limit: HookLimits.path)
                    } else {
                        try reader.skipValue()
                    }
                }
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func readRoot<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) {
        guard try reader.peekToken() == UInt8(ascii: "{") else { return try reader.skipValue() }
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "path") {
                rootfs = try reader.readString(limit: HookLimits.path)
            } else {
                try reader.skipValue()
            }
        }
    }
}

extension JSONReader {
    /// An object whose members are all strings; `null` reads as an empty one.
    public mutating func readAnnotations() throws(JSONError) -> [HookMessage.Annotation] {
        var annotations: [HookMessage.Annotation] = []
        if try peekToken() == UInt8(ascii: "n") {
            try skipValue()
            return annotations
        }
        let mark = try beginObject()
        var first = true
        var name: [UInt8] = []
        while try nextKey(mark, first: &first, name: &name) {
            // However long: CRI-O repeats a pod's annotations in one of its own, escaped. What no frame holds is left out later.
            let value = try readString(limit: JSONLimits.documentBytes)
            var key: [UInt8] = []
            swap(&key, &name) // given away, not shared: a shared buffer is allocated anew at its full size
            if !key.isEmpty { annotations.append(HookMessage.Annotation(key: key, value: value)) }
        }
        return annotations
    }
}
