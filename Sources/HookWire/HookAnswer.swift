/// The daemon's answer to one request. Only `registered` means that the identity is in force in the kernel.
public struct HookAnswer: Equatable, Sendable {
    /// What became of the request. The numbers are part of the protocol.
    public enum Code: UInt16, CaseIterable, Sendable {
        case registered = 1
        case removed = 2
        /// A mark of a replay was taken note of.
        case noted = 3
        /// The frame was not a valid request.
        case malformed = 0x100
        /// The peer may not talk to this socket.
        case peerNotAllowed = 0x101
        /// The init process is gone, or is another one than the message says.
        case processGone = 0x102
        /// The container is in the host's mount and pid namespaces: its key would be that of every host process.
        case hostNamespaces = 0x103
        /// Another container, whose init lives, has this key.
        case sharedNamespaces = 0x104
        /// Every slot is taken.
        case tableFull = 0x105
        /// A remove for a container whose registered init lives.
        case stale = 0x106
        /// The kernel refused a map write.
        case kernel = 0x107

        /// True for the two answers that mean the request was carried out.
        public var accepted: Bool { self == .registered || self == .removed }
    }

    public var code: Code
    /// The daemon's ABI version (`PC_ABI_VERSION`).
    public var abi: UInt32
    /// One clause for a person; empty if the code says it all.
    public var reason: [UInt8]

    public init(code: Code, abi: UInt32, reason: [UInt8] = []) {
        self.code = code
        self.abi = abi
        self.reason = reason
    }

    /// Bytes of a reason; a longer one is cut.
    public static let reasonLimit = 512

    public func encoded() -> [UInt8] {
        var writer = FrameWriter(.answer, capacity: 16 + reason.count)
        writer.append(code.rawValue)
        writer.append(abi)
        writer.append(Array(reason.prefix(Self.reasonLimit)))
        return writer.finish()
    }

    /// Reads an answer's body, which is the frame without its length.
    public init(decoding body: ArraySlice<UInt8>) throws(FrameError) {
        var reader = FrameReader(body)
        guard try reader.header() == .answer else { throw .type }
        let rawCode: UInt16 = try reader.integer()
        guard let code = Code(rawValue: rawCode) else { throw .type }
        let abi: UInt32 = try reader.integer()
        let rest = try reader.take(body.count - Frame.headerBytes - 6)
        self.init(code: code, abi: abi, reason: Array(rest))
    }
}
