/// The frames of the hook socket: a 4-byte little-endian length, then that many bytes of body.
///
/// Every body starts with 4 bytes: protocol version, message type, two reserved bytes (0). A request's fields follow, each a
/// 2-byte tag, a 4-byte length and the value, all little-endian. A receiver refuses a tag it does not know, unless the tag's
/// top bit is set: such a field may be skipped.
public enum Frame {
    /// Version of the body's layout; a receiver refuses any other.
    public static let version: UInt8 = 1
    /// Bytes of a body; a longer frame is refused without being read.
    public static let bodyLimit = 1 << 20
    /// Bytes of the length that stands before every body.
    public static let lengthBytes = 4
    /// Bytes of the body before its fields.
    public static let headerBytes = 4
    /// A field whose tag has this bit may be skipped by a receiver that does not know it.
    public static let optionalTag: UInt16 = 0x8000
}

/// What a frame is about: the second byte of its body.
public enum FrameType: UInt8, Sendable {
    case add = 1
    case remove = 2
    /// What follows on this connection is what a scan found, not what a hook saw.
    case replayBegin = 3
    /// The scan is done.
    case replayEnd = 4
    /// A hook could not register its container.
    case report = 5
    case answer = 0x81
}

/// The fields of a request, by their tag.
enum FieldTag: UInt16 {
    case containerID = 1
    case pid = 2
    case pidNamespace = 3
    case mountNamespace = 4
    case startTime = 5
    case cgroupPath = 6
    case apparmorProfile = 7
    case bundle = 8
    /// 4-byte length of the key, the key, the value.
    case annotation = 9
    case argument0 = 10
    case rootfs = 11
    /// How many annotations the sender left out for want of room.
    case annotationsCut = 12
    /// 1 if the container's own program runs already.
    case started = 13
    /// Where a replayed container was found, a bit each.
    case sources = 14
    /// Microseconds from the hook's start to its sending this.
    case elapsed = 15
    /// What became of the container whose message could not be delivered.
    case ending = 16
    /// Of a replay's end: something that could not be read. Of a report: what went wrong.
    case problem = 17
    /// Which runtime it is, by the word of somebody who speaks with it.
    case runtime = 18
}

/// Why a frame's body was refused.
public enum FrameError: UInt8, Error, Equatable, Sendable {
    case truncated
    case version
    case type
    case unknownField
    case duplicateField
    case fieldSize
    case missingField
    case invalidText

    /// What is wrong, as a clause.
    public var reason: StaticString {
        switch self {
        case .truncated: "the frame ends inside a field"
        case .version: "the protocol version is not 1"
        case .type: "the message type is unknown"
        case .unknownField: "the frame has a field this version does not know"
        case .duplicateField: "a field stands twice"
        case .fieldSize: "a field has the wrong size"
        case .missingField: "a required field is missing"
        case .invalidText: "a name or path holds a NUL byte, is not UTF-8 or is too long"
        }
    }
}

/// Appends a frame's parts to a byte array and fills the length in at the end.
struct FrameWriter {
    private(set) var bytes: [UInt8]

    init(_ type: FrameType, capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
        append(UInt32(0))
        bytes.append(Frame.version)
        bytes.append(type.rawValue)
        append(UInt16(0))
    }

    mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        for index in 0..<(Integer.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> (index * 8)))
        }
    }

    mutating func append(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    mutating func field<Integer: FixedWidthInteger>(_ tag: FieldTag, _ value: Integer) {
        append(tag.rawValue)
        append(UInt32(Integer.bitWidth / 8))
        append(value)
    }

    /// An empty value is not sent: its absence says the same.
    mutating func field(_ tag: FieldTag, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        append(tag.rawValue)
        append(UInt32(value.count))
        append(value)
    }

    /// The whole frame, its length filled in.
    mutating func finish() -> [UInt8] {
        let length = UInt32(bytes.count - Frame.lengthBytes)
        for index in 0..<Frame.lengthBytes { bytes[index] = UInt8(truncatingIfNeeded: length >> (index * 8)) }
        return bytes
    }
}

/// Takes a frame's body apart; every read is checked against the end of the body.
struct FrameReader {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    init(_ body: ArraySlice<UInt8>) {
        bytes = body
        offset = body.startIndex
    }

    var atEnd: Bool { offset == bytes.endIndex }

    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>() throws(FrameError) -> Integer {
        let size = Integer.bitWidth / 8
        guard bytes.endIndex - offset >= size else { throw .truncated }
        var value: Integer = 0
        for index in 0..<size { value |= Integer(bytes[offset + index]) << (index * 8) }
        offset += size
        return value
    }

    mutating func take(_ count: Int) throws(FrameError) -> ArraySlice<UInt8> {
        guard count >= 0, bytes.endIndex - offset >= count else { throw .truncated }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    /// Checks version and reserved bytes and returns the message type.
    mutating func header() throws(FrameError) -> FrameType {
        let version: UInt8 = try integer()
        guard version == Frame.version else { throw .version }
        let raw: UInt8 = try integer()
        guard let type = FrameType(rawValue: raw) else { throw .type }
        let reserved: UInt16 = try integer()
        guard reserved == 0 else { throw .type }
        return type
    }
}
