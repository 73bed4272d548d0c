#if !SINGLE_MODULE
import HookWire
#endif

/// What the hook needs of a bundle's `config.json` (OCI runtime specification, "Configuration").
struct BundleConfig {
    var annotations: [HookMessage.Annotation] = []
    var apparmorProfile: [UInt8] = []
    var argument0: [UInt8] = []
    var rootfs: [UInt8] = []

    /// Reads one configuration; members that are not needed are checked and skipped, in whatever order they come.
    static func read<Source: ByteSource>(_ source: Source) throws(JSONError) -> BundleConfig {
        var reader = JSONReader(source, window: DescriptorSource.window)
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
