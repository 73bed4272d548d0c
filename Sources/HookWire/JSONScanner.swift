/// Strings, literals and skipped values: the byte-level half of `JSONReader`.
extension JSONReader {
    /// Consumes a string, its quotes included; appends the decoded bytes to `value` if `keep`.
    mutating func scanString(into value: inout [UInt8], limit: Int, keep: Bool) throws(JSONError) {
        position += 1
        while try available() {
            var index = position
            // Plain bytes are nearly all of a document: run over them eight at a time, then one by one.
            while index + 8 <= end, Self.arePlain(window.loadUnaligned(fromByteOffset: index, as: UInt64.self)) { index += 8 }
            while index < end {
                let byte = window[index]
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 || byte >= 0x80 { break }
                index += 1
            }
            if keep, index > position {
                guard value.count + (index - position) <= limit else { throw failure(.stringTooLong) }
                value.append(contentsOf: UnsafeRawBufferPointer(rebasing: window[position..<index]))
            }
            position = index
            guard index < end else { continue }
            let byte = window[index]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                try scanEscape(into: &value, keep: keep)
            } else if byte >= 0x80 {
                try scanMultibyte(into: &value, keep: keep)
            } else {
                throw failure(.syntax)
            }
            guard value.count <= limit else { throw failure(.stringTooLong) }
        }
        throw failure(.truncated)
    }

    /// True if none of the eight bytes ends or interrupts a string: no quote, no backslash, no control character, only ASCII.
    /// A byte that is not plain always shows; a plain one may be taken for one that is not, and is then looked at alone.
    @inline(__always)
    private static func arePlain(_ bytes: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones << 7
        let quotes = bytes ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = bytes ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let borrows = (bytes &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones)
        return (borrows | bytes) & tops == 0
    }

    /// Consumes one value of any type, checking it as if it were read.
    public mutating func skipValue() throws(JSONError) {
        switch try peekToken() {
        case UInt8(ascii: "{"):
            let mark = try beginObject()
            var first = true
            // One name buffer serves all levels; it is taken out of `self` while the members are walked.
            var name: [UInt8] = []
            swap(&name, &key)
            while try nextKey(mark, first: &first, name: &name) {
                swap(&name, &key)
                try skipValue()
                swap(&name, &key)
            }
            swap(&name, &key)
        case UInt8(ascii: "["):
            try beginArray()
            var first = true
            while try nextElement(first: &first) { try skipValue() }
        case UInt8(ascii: "\""):
            var nothing: [UInt8] = []
            try scanString(into: &nothing, limit: Int.max, keep: false)
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try skipNumber()
        }
    }

    mutating func literal(_ text: StaticString) throws(JSONError) {
        for index in 0..<text.utf8CodeUnitCount {
            guard try available() else { throw failure(.truncated) }
            guard window[position] == text.utf8Start[index] else { throw failure(.syntax) }
            position += 1
        }
    }

    // MARK: Numbers

    private mutating func skipNumber() throws(JSONError) {
        if try byteIs(UInt8(ascii: "-")) { position += 1 }
        if try byteIs(UInt8(ascii: "0")) { position += 1 } else { try skipDigits() }
        if try byteIs(UInt8(ascii: ".")) {
            position += 1
            try skipDigits()
        }
        guard try available(), window[position] | 0x20 == UInt8(ascii: "e") else { return }
        position += 1
        if try byteIs(UInt8(ascii: "+")) {
            position += 1
        } else if try byteIs(UInt8(ascii: "-")) {
            position += 1
        }
        try skipDigits()
    }

    private mutating func byteIs(_ byte: UInt8) throws(JSONError) -> Bool {
        guard try available() else { return false }
        return window[position] == byte
    }

    private mutating func skipDigits() throws(JSONError) {
        var digits = 0
        while try available(), window[position] >= UInt8(ascii: "0"), window[position] <= UInt8(ascii: "9") {
            position += 1
            digits += 1
        }
        guard digits > 0 else { throw failure(end == 0 ? .truncated : .syntax) }
    }

    // MARK: Escapes and UTF-8

    private mutating func scanEscape(into value: inout [UInt8], keep: Bool) throws(JSONError) {
        position += 1
        let byte = try take()
        let plain: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = byte
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"):
            try scanUnicodeEscape(into: &value, keep: keep)
            return
        default:
            throw failure(.syntax)
        }
        if keep { value.append(plain) }
    }

    private mutating func scanUnicodeEscape(into value: inout [UInt8], keep: Bool) throws(JSONError) {
        var scalar = try takeHex()
        if scalar >= 0xDC00, scalar <= 0xDFFF { throw failure(.encoding) }
        if scalar >= 0xD800, scalar <= 0xDBFF {
            guard try take() == UInt8(ascii: "\\"), try take() == UInt8(ascii: "u") else { throw failure(.encoding) }
            let low = try takeHex()
            guard low >= 0xDC00, low <= 0xDFFF else { throw failure(.encoding) }
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        }
        guard keep else { return }
        switch scalar {
        case ..<0x80:
            value.append(UInt8(scalar))
        case ..<0x800:
            value.append(UInt8(0xC0 | scalar >> 6))
            value.append(UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            value.append(UInt8(0xE0 | scalar >> 12))
            value.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            value.append(UInt8(0x80 | scalar & 0x3F))
        default:
            value.append(UInt8(0xF0 | scalar >> 18))
            value.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            value.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            value.append(UInt8(0x80 | scalar & 0x3F))
        }
    }

    /// One UTF-8 sequence of two to four bytes, by the table of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
    private mutating func scanMultibyte(into value: inout [UInt8], keep: Bool) throws(JSONError) {
        let lead = try take()
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        let following: Int
        switch lead {
        case 0xC2...0xDF: following = 1
        case 0xE0: (following, low) = (2, 0xA0)
        case 0xED: (following, high) = (2, 0x9F)
        case 0xE1...0xEF: following = 2
        case 0xF0: (following, low) = (3, 0x90)
        case 0xF4: (following, high) = (3, 0x8F)
        case 0xF1...0xF3: following = 3
        default: throw failure(.encoding)
        }
        if keep { value.append(lead) }
        for _ in 0..<following {
            let byte = try take()
            guard byte >= low, byte <= high else { throw failure(.encoding) }
            (low, high) = (0x80, 0xBF)
            if keep { value.append(byte) }
        }
    }

    private mutating func take() throws(JSONError) -> UInt8 {
        guard try available() else { throw failure(.truncated) }
        defer { position += 1 }
        return window[position]
    }

    private mutating func takeHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try take()
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw failure(.syntax)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
