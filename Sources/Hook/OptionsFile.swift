import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// The hook's configuration file: a JSON object whose members are called like the flags, without their dashes. Flags count before it.
///
/// A file that is wrong is said, and left out as a whole: containers are registered all the same, since that needs nothing of it.
extension Options {
    private static var usualFile: StaticString { "/etc/portcullis/hook.json" }

    /// Reads the file named, or the usual one; that one need not be there.
    mutating func readFile(_ named: [UInt8]?) {
        let path = Path(named ?? Self.bytes(Self.usualFile))
        let descriptor = path.withCString { pch_open_regular($0) }
        guard descriptor >= 0 else {
            if named == nil, descriptor == -pch_errno_not_found() { return }
            problem = Line()
            problem.append(path.bytes)
            problem.append(": ")
            return problem.append(errno: -descriptor)
        }
        defer { _ = pch_close(descriptor) }
        var read = self
        do {
            if pch_is_roots(descriptor) == 0 {
                problem.append(path.bytes)
                return problem.append(" is not believed: others than its owner may write it")
            }
            try read.read(DescriptorSource(descriptor: descriptor, deadline: pch_now() + Self.millisecond * 1_000, waits: false))
        } catch {
            problem.append(path.bytes)
            problem.append(" ")
            problem.append(error.reason)
            problem.append(", at byte ")
            return problem.append(error.offset)
        }
        guard read.problem.bytes.isEmpty else {
            problem.append(path.bytes)
            problem.append(": ")
            return problem.append(read.problem.bytes)
        }
        self = read
    }

    private mutating func read(_ source: DescriptorSource) throws(JSONError) {
        var reader = JSONReader(source, window: DescriptorSource.window)
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            let flag = Self.bytes("--") + name
            let isList = Self.is_(flag, "--allow-namespace") || Self.is_(flag, "--deny-namespace")
            guard Self.isKnown(flag), !Self.is_(flag, "--config") else {
                problem.append(name)
                problem.append(": unknown setting")
                return
            }
            if isList {
                try reader.beginArray()
                var isFirst = true
                while try reader.nextElement(first: &isFirst) { take(flag, try reader.readString(limit: HookLimits.path)) }
            } else {
                take(flag, try reader.readString(limit: HookLimits.path))
            }
        }
        try reader.finish()
    }

    private mutating func take(_ flag: [UInt8], _ value: [UInt8]) {
        if value.isEmpty || value.contains(0) {
            problem.append(flag)
            problem.append(": needs a value")
        } else if let wrong = set(flag, to: value) {
            problem.append(wrong)
        }
    }
}
