import Core

/// One message of ttrpc: `u32 BE data bytes, u32 BE stream, u8 type, u8 flags, data` (containerd/ttrpc, PROTOCOL.md).
public struct TTRPCMessage: Equatable, Sendable {
    /// What a message is. Others may come, and are to be ignored.
    public enum Kind: UInt8, Sendable {
        case request = 1
        case response = 2
    }

    public static let headerBytes = 10
    /// Bytes of data that are taken. The protocol's limit is 4 MiB; the ttrpc in containerd 1.7 does not keep to it when it sends (6.3 MB seen).
    public static let dataLimit = 64 << 20

    public var kind: Kind
    /// Tells calls apart; those of a client are odd and grow. An answer has its call's.
    public var stream: UInt32
    public var data: [UInt8]

    public init(_ kind: Kind, stream: UInt32, data: [UInt8]) {
        self.kind = kind
        self.stream = stream
        self.data = data
    }

    /// The message's bytes, header first. Calls of one request and one answer have no flags.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + data.count)
        bytes.append(bigEndian: UInt32(data.count))
        bytes.append(bigEndian: stream)
        bytes.append(kind.rawValue)
        bytes.append(0)
        return bytes + data
    }
}

/// Puts the pieces of one stream together into messages.
public struct TTRPCReader {
    private var bytes: [UInt8] = []

    public init() {}

    public mutating func append(_ piece: ArraySlice<UInt8>) { bytes.append(contentsOf: piece) }

    /// The next message that is whole; nil if none is. Messages of kinds that are not known are left out.
    ///
    /// - Throws: `.peer` for one that is longer than `TTRPCMessage.dataLimit`.
    public mutating func next() throws(PortcullisError) -> TTRPCMessage? {
        while bytes.count >= TTRPCMessage.headerBytes {
            let count = Int(bytes.bigEndian(at: 0))
            guard count <= TTRPCMessage.dataLimit else {
                throw PortcullisError(.peer, "the runtime sends a message of \(count) bytes; the limit is \(TTRPCMessage.dataLimit)")
            }
            let end = TTRPCMessage.headerBytes + count
            guard bytes.count >= end else {
                bytes.reserveCapacity(end)
                return nil
            }
            let stream = bytes.bigEndian(at: 4), kind = TTRPCMessage.Kind(rawValue: bytes[8])
            let data = Array(bytes[TTRPCMessage.headerBytes..<end])
            // A large one's buffer is given back: there may be none like it for months.
            if end == bytes.count { bytes = [] } else { bytes.removeFirst(end) }
            if let kind { return TTRPCMessage(kind, stream: stream, data: data) }
        }
        return nil
    }
}
