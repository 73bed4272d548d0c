#if !SINGLE_MODULE
import HookWire
#endif

/// What the wrapper is told: by the words that it is called with first, all of which begin with `--portcullis-`, and by its file.
public struct WrapperSettings {
    /// What the words ask for.
    public enum Request {
        case run
        case help
        case version
        /// The word that is wrong, and why.
        case wrong([UInt8], StaticString)
    }

    /// The runtime that is wrapped; empty for `runc`, to be looked for.
    public private(set) var runtime: [UInt8] = []
    /// The hook; empty for the one beside the wrapper.
    public private(set) var hook: [UInt8] = []
    /// What the hook is called with.
    public private(set) var hookArguments: [[UInt8]] = []

    public init() {}

    /// How many of the words are the wrapper's: from the first on, up to one that does not begin so.
    public static func ownCount(_ words: [[UInt8]]) -> Int {
        var count = 0
        while count < words.count, words[count].starts(with: prefix) { count += 1 }
        return count
    }

    /// The file that the words name; the last one counts.
    public static func file(in words: ArraySlice<[UInt8]>) -> [UInt8]? {
        var file: [UInt8]?
        for word in words {
            let (name, value) = split(word)
            if ContainerRuntime.equal(name, "config"), let value { file = value }
        }
        return file
    }

    /// Applies the wrapper's own words, `--portcullis-NAME=VALUE` each: the value cannot be a word of its own, since what follows is the runtime's.
    public mutating func take(_ words: ArraySlice<[UInt8]>) -> Request {
        for word in words {
            let (name, value) = Self.split(word)
            if ContainerRuntime.equal(name, "help") { return .help }
            if ContainerRuntime.equal(name, "version") { return .version }
            let isFile = ContainerRuntime.equal(name, "config")
            guard isFile || Self.isKnown(name) || ContainerRuntime.equal(name, "hook-arg") else { return .wrong(word, "unknown option") }
            guard let value, !value.isEmpty else { return .wrong(word, "needs a value, behind =") }
            if isFile {
                guard value[0] == UInt8(ascii: "/") else { return .wrong(word, "must be an absolute path") }
            } else if let problem = set(name, to: value) {
                return .wrong(word, problem)
            }
        }
        return .run
    }

    /// Reads the file: a JSON object.
    ///
    /// - Returns: What is wrong with a setting, nil if nothing is.
    /// - Throws: `JSONError` for what is no such object.
    public mutating func read<Source: ByteSource>(
        _ source: Source, window: UnsafeMutableRawBufferPointer? = nil
    ) throws(JSONError) -> (name: [UInt8], reason: StaticString)? {
        var reader = JSONReader(source, window: window)
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        var problem: (name: [UInt8], reason: StaticString)?
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "hook-args") {
                try reader.beginArray()
                var isFirst = true
                while try reader.nextElement(first: &isFirst) {
                    let value = try reader.readString(limit: HookLimits.path)
                    if problem == nil, let reason = set(Self.argument, to: value) { problem = (name, reason) }
                }
            } else if Self.isKnown(name) {
                let value = try reader.readString(limit: HookLimits.path)
                if problem == nil, let reason = set(name, to: value) { problem = (name, reason) }
            } else {
                try reader.skipValue()
                if problem == nil { problem = (name, "unknown setting") }
            }
        }
        try reader.finish()
        return problem
    }

    /// Takes over which runtime it is from settings of which another one is wrong: containers that run are told to end by the one that has started them.
    public mutating func takeRuntime(of other: WrapperSettings) { runtime = other.runtime }

    // MARK: One setting

    private static var prefix: [UInt8] { bytes("--portcullis-") }
    private static var argument: [UInt8] { bytes("hook-arg") }

    private static func bytes(_ text: StaticString) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        return bytes
    }

    private static func split(_ word: [UInt8]) -> (name: [UInt8], value: [UInt8]?) {
        guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else { return (Array(word[prefix.count...]), nil) }
        return (Array(word[prefix.count..<equals]), Array(word[(equals + 1)...]))
    }

    private static func isKnown(_ name: [UInt8]) -> Bool { ContainerRuntime.equal(name, "runtime") || ContainerRuntime.equal(name, "hook") }

    private mutating func set(_ name: [UInt8], to value: [UInt8]) -> StaticString? {
        guard !value.isEmpty, !value.contains(0) else { return "needs a value" }
        if ContainerRuntime.equal(name, "runtime") || ContainerRuntime.equal(name, "hook") {
            guard value[0] == UInt8(ascii: "/") else { return "must be an absolute path" }
            guard value.count < HookLimits.path else { return "is too long" }
        }
        // It becomes part of a JSON document.
        guard UTF8Check.isValid(value[...]) else { return "is not valid UTF-8" }
        if ContainerRuntime.equal(name, "runtime") {
            runtime = value
        } else if ContainerRuntime.equal(name, "hook") {
            hook = value
        } else {
            hookArguments.append(value)
        }
        return nil
    }
}
