#if Feed

/// Fields of a protobuf message, written one after the other (protobuf.dev, "Encoding"). SwiftProtobuf does the same for every message but the ones that there may be
/// hundreds of thousands of in a second: a generated message with that many fields is a class, and making, filling, measuring and dropping one took two of the five
/// microseconds that a message may cost.
struct FieldWriter {
    private(set) var bytes: [UInt8]

    /// - Parameter begin: Fields of the same message that are there already.
    init(after begin: [UInt8], room: Int) {
        bytes = []
        bytes.reserveCapacity(begin.count + room)
        bytes.append(contentsOf: begin)
    }

    private enum WireType: UInt64 { case varint = 0, length = 2 }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func tag(_ field: Int, _ type: WireType) { varint(UInt64(field) << 3 | type.rawValue) }

    /// Left out if it is 0, as proto3 has it. A negative one takes ten bytes, also one of 32 bits.
    mutating func number(_ field: Int, _ value: some SignedInteger & FixedWidthInteger) {
        guard value != 0 else { return }
        tag(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    /// Left out if it is empty.
    mutating func text(_ field: Int, _ value: String) {
        guard !value.isEmpty else { return }
        element(field, value)
    }

    /// Of a repeated field.
    mutating func element(_ field: Int, _ value: String) {
        tag(field, .length)
        varint(UInt64(value.utf8.count))
        append(value)
    }

    /// Of a map from text to text, which is a repeated message of key and value.
    mutating func entry(_ field: Int, _ key: String, _ value: String) {
        let (keySize, valueSize) = (key.utf8.count, value.utf8.count)
        tag(field, .length)
        varint(UInt64(2 + Self.size(UInt64(keySize)) + keySize + Self.size(UInt64(valueSize)) + valueSize))
        element(1, key)
        element(2, value)
    }

    private static func size(_ value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }

    private mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { bytes.append(contentsOf: $0) }
    }
}
#endif
