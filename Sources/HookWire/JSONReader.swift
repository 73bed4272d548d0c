/// A pull reader for JSON (RFC 8259) that never holds the document: it keeps one window of it and what the caller asked for.
///
/// The hook runs once for every container of a node, so it must not need memory in proportion to `config.json`. The caller
/// walks the document: `beginObject`, `nextKey` until it returns false, and for each member one `read…` or `skipValue`. What
/// is skipped is checked as strictly as what is read.
public struct JSONReader<Source: ByteSource>: ~Copyable {
    /// Bytes of a window of the reader's own: one page-cache read of a usual `config.json`.
    static var windowBytes: Int { 16 << 10 }

    var source: Source
    let window: UnsafeMutableRawBufferPointer
    var position = 0
    var end = 0
    /// Offset of the window's first byte in the document.
    var base = 0
    let limit: Int
    var depth = 0
    var ledger = KeyLedger()
    var key: [UInt8] = []

    private let ownsWindow: Bool

    /// Reads through `window`, which must outlive the reader, or through one of its own.
    public init(_ source: Source, limit: Int = JSONLimits.documentBytes, window: UnsafeMutableRawBufferPointer? = nil) {
        self.source = source
        self.limit = limit
        ownsWindow = window == nil
        self.window = window ?? UnsafeMutableRawBufferPointer.allocate(byteCount: Self.windowBytes, alignment: 16)
    }

    deinit { if ownsWindow { window.deallocate() } }

    // MARK: Objects and arrays

    /// Enters an object. The mark goes to `nextKey` until that returns false, which leaves the object.
    public mutating func beginObject() throws(JSONError) -> Int {
        guard try peekToken() == UInt8(ascii: "{") else { throw failure(.type) }
        position += 1
        try enter()
        return ledger.open()
    }

    /// Moves to the next member and stores its name in `name`. False at the end of the object, which is then left.
    public mutating func nextKey(_ mark: Int, first: inout Bool, name: inout [UInt8]) throws(JSONError) -> Bool {
        var token = try peekToken()
        if token == UInt8(ascii: "}") {
            position += 1
            depth -= 1
            guard ledger.close(mark) else { throw failure(.duplicateKey) }
            return false
        }
        if !first {
            guard token == UInt8(ascii: ",") else { throw failure(.syntax) }
            position += 1
            token = try peekToken()
        }
        first = false
        guard token == UInt8(ascii: "\"") else { throw failure(.syntax) }
        name.removeAll(keepingCapacity: true)
        try scanString(into: &name, limit: limit, keep: true)
        guard ledger.count(since: mark) < JSONLimits.members else { throw failure(.tooLarge) }
        guard ledger.insert(name, since: mark) else { throw failure(.duplicateKey) }
        guard try peekToken() == UInt8(ascii: ":") else { throw failure(.syntax) }
        position += 1
        return true
    }

    /// Enters an array; call `nextElement` before each element.
    public mutating func beginArray() throws(JSONError) {
        guard try peekToken() == UInt8(ascii: "[") else { throw failure(.type) }
        position += 1
        try enter()
    }

    /// True if another element follows. False at the end of the array, which is then left.
    public mutating func nextElement(first: inout Bool) throws(JSONError) -> Bool {
        let token = try peekToken()
        if token == UInt8(ascii: "]") {
            position += 1
            depth -= 1
            return false
        }
        if !first {
            guard token == UInt8(ascii: ",") else { throw failure(.syntax) }
            position += 1
            guard try peekToken() != UInt8(ascii: "]") else { throw failure(.syntax) }
        }
        first = false
        return true
    }

    // MARK: Values

    /// Reads a string of at most `limit` decoded bytes. `null` reads as empty: Go writes unset fields so.
    public mutating func readString(limit: Int) throws(JSONError) -> [UInt8] {
        let token = try peekToken()
        if token == UInt8(ascii: "n") {
            try literal("null")
            return []
        }
        guard token == UInt8(ascii: "\"") else { throw failure(.type) }
        var value: [UInt8] = []
        try scanString(into: &value, limit: limit, keep: true)
        return value
    }

    /// Reads an integer from 0 to `Int32.max`, the range of a process id.
    public mutating func readNumber() throws(JSONError) -> Int { Int(try readInteger(limit: UInt64(Int32.max))) }

    /// Reads an integer from 0 to `limit`, which is at most `UInt64.max / 16`, so that one digit more never overflows.
    public mutating func readInteger(limit: UInt64) throws(JSONError) -> UInt64 {
        var byte = try peekToken()
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw failure(byte == UInt8(ascii: "-") ? .number : .type) }
        let leadingZero = byte == UInt8(ascii: "0")
        var value: UInt64 = 0
        var digits = 0
        while byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            guard value <= limit else { throw failure(.number) }
            digits += 1
            position += 1
            guard try available() else { break }
            byte = window[position]
        }
        guard !(leadingZero && digits > 1) else { throw failure(.syntax) }
        guard byte != UInt8(ascii: "."), byte | 0x20 != UInt8(ascii: "e") else { throw failure(.number) }
        return value
    }

    /// Reads an integer from `-limit` to `limit`, as `readInteger` does.
    public mutating func readSignedInteger(limit: UInt64) throws(JSONError) -> Int64 {
        guard try peekToken() == UInt8(ascii: "-") else { return Int64(try readInteger(limit: limit)) }
        position += 1
        guard try available() else { throw failure(.truncated) }
        // No white space between the sign and the digits.
        guard window[position] >= UInt8(ascii: "0"), window[position] <= UInt8(ascii: "9") else { throw failure(.syntax) }
        return -Int64(try readInteger(limit: limit))
    }

    /// What kind of value comes next, by its first byte, without moving past it.
    public mutating func peekToken() throws(JSONError) -> UInt8 {
        while try available() {
            // Indentation is a good part of a document that a person may read: run over it without a call.
            var index = position
            while index < end {
                let byte = window[index]
                if byte > 0x20 {
                    position = index
                    return byte
                }
                guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                    position = index
                    throw failure(.syntax)
                }
                index += 1
            }
            position = index
        }
        throw failure(.truncated)
    }

    /// Checks that nothing but white space follows the document.
    public mutating func finish() throws(JSONError) {
        while try available() {
            let byte = window[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { throw failure(.syntax) }
            position += 1
        }
    }

    // MARK: The window

    /// True if `window[position]` may be read; refills the window when it is used up.
    @inline(__always)
    mutating func available() throws(JSONError) -> Bool {
        if position < end { return true }
        return try refill()
    }

    @inline(never)
    private mutating func refill() throws(JSONError) -> Bool {
        base += end
        position = 0
        end = 0
        let count = try source.read(into: window)
        guard base + count <= limit else { throw failure(.tooLarge) }
        end = count
        return count > 0
    }

    mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= JSONLimits.depth else { throw failure(.depth) }
    }

    /// The offset that has been reached: behind the last token, or behind the white space before the next one that was looked at.
    public var offset: Int { base + position }

    /// An error at the place that has been reached.
    public func failure(_ kind: JSONError.Kind) -> JSONError { JSONError(kind, at: offset) }
}
