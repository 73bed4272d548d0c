import CHookSystem

/// One line of text put together from bytes: Embedded Swift's `String` would cost the hook a third of its size.
struct Line {
    private(set) var bytes: [UInt8] = []

    init(_ text: StaticString) { append(text) }

    init() {}

    mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { bytes.append(text.utf8Start[index]) }
    }

    /// Appends text that came from outside: control characters become `?`, and more than `limit` bytes are cut, so that one
    /// message stays one line.
    mutating func append(_ text: [UInt8], limit: Int = 200) {
        for byte in text.prefix(limit) { bytes.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte) }
        if text.count > limit { append("...") }
    }

    mutating func append(_ number: Int) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(number.magnitude)
    }

    private mutating func appendDigits(_ number: UInt) {
        if number >= 10 { appendDigits(number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// Appends what an errno means, with its number where there is no text for it.
    mutating func append(errno error: Int32) {
        guard let text = pch_error_text(error), text[0] != 0 else {
            append("error ")
            append(Int(error))
            return
        }
        var index = 0
        while text[index] != 0 {
            bytes.append(UInt8(bitPattern: text[index]))
            index += 1
        }
    }

    /// Writes the line to standard output (1) or standard error (2).
    func print(to descriptor: Int32) {
        var line = bytes
        line.append(UInt8(ascii: "\n"))
        line.withUnsafeBytes { pch_print(descriptor, $0.baseAddress, $0.count) }
    }
}

/// A NUL-terminated path built from parts.
struct Path {
    private(set) var bytes: [UInt8]

    init(_ start: [UInt8]) { bytes = start }

    init(_ start: StaticString) {
        bytes = []
        append(start)
    }

    mutating func append(_ part: StaticString) {
        for index in 0..<part.utf8CodeUnitCount { bytes.append(part.utf8Start[index]) }
    }

    mutating func append(_ part: [UInt8]) { bytes.append(contentsOf: part) }

    mutating func append(_ number: UInt32) {
        var line = Line()
        line.append(Int(number))
        bytes.append(contentsOf: line.bytes)
    }

    /// Calls `body` with the path as a C string.
    func withCString<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        var terminated = bytes
        terminated.append(0)
        return terminated.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("an array with one byte has an address") }
            return body(start)
        }
    }
}
