/// Writes JSON into a byte array; for what leaves the daemon, which has no Foundation.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    public mutating func key(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func member(_ name: String, _ value: String) { key(name); string(value) }
    public mutating func member(_ name: String, _ value: [UInt8]) { member(name, value[...]) }
    public mutating func member(_ name: String, _ value: ArraySlice<UInt8>) { key(name); text(value) }
    public mutating func member<Integer: BinaryInteger>(_ name: String, _ value: Integer) { key(name); raw(String(value)) }
    public mutating func member(_ name: String, _ value: Bool) { key(name); raw(value ? "true" : "false") }

    public mutating func number<Integer: BinaryInteger>(_ value: Integer) { raw(String(value)) }

    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { quoted($0) }
    }

    /// Bytes that should be UTF-8. What is not becomes U+FFFD: a process may name itself anything.
    public mutating func text(_ value: ArraySlice<UInt8>) {
        if UTF8Text.isPlain(value) {
            value.withUnsafeBufferPointer { quoted($0) }
        } else {
            string(String(decoding: value, as: UTF8.self))
        }
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func quoted(_ utf8: UnsafeBufferPointer<UInt8>) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0..<0x20, 0x7F:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

/// Tests on bytes that are to become text.
enum UTF8Text {
    /// True if all bytes are ASCII, which needs no decoding.
    static func isPlain(_ bytes: ArraySlice<UInt8>) -> Bool {
        for byte in bytes where byte >= 0x80 { return false }
        return true
    }
}
