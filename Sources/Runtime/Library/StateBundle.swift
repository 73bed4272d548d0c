#if !SINGLE_MODULE
import HookWire
#endif

/// Where the bundle of a container is that there is, by the state that its runtime keeps.
public enum StateBundle {
    /// Reads runc's `state.json` or crun's `status`.
    ///
    /// crun names the bundle in a member of its own. runc keeps it as a label, behind one for each annotation: the last of that name counts, since who
    /// writes annotations must not choose the bundle.
    ///
    /// - Returns: The bundle's absolute path; empty if the state has none.
    public static func read<Source: ByteSource>(_ source: Source, window: UnsafeMutableRawBufferPointer? = nil) throws(JSONError) -> [UInt8] {
        var reader = JSONReader(source, window: window)
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        var bundle: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "bundle") {
                bundle = try reader.readString(limit: JSONLimits.documentBytes)
            } else if ContainerRuntime.equal(name, "config"), try reader.peekToken() == UInt8(ascii: "{") {
                bundle = try readConfiguration(&reader)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
        guard bundle.count < HookLimits.path, bundle.first == UInt8(ascii: "/"), !bundle.contains(0) else { return [] }
        return bundle
    }

    private static func readConfiguration<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) -> [UInt8] {
        var label: [UInt8] = []
        JSONText.append("bundle=", to: &label)
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        var bundle: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            guard ContainerRuntime.equal(name, "labels"), try reader.peekToken() == UInt8(ascii: "[") else {
                try reader.skipValue()
                continue
            }
            try reader.beginArray()
            var isFirst = true
            while try reader.nextElement(first: &isFirst) {
                let text = try reader.readString(limit: JSONLimits.documentBytes)
                if text.starts(with: label) { bundle = Array(text[label.count...]) }
            }
        }
        return bundle
    }
}
