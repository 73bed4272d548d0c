import CABI
import HookWire

/// What a restarted daemon needs of a container, as bytes in the kernel map `records`: 16 bytes of its own, then the message
/// with as many annotations as fit.
struct ContainerRecord {
    /// Bytes of one record at most; the map has room for that many for every slot.
    static let limit = Int(PC_RECORD_CHUNK_BYTES) * Int(PC_RECORD_CHUNKS)
    private static let headerBytes = 16

    let startTime: UInt64
    let registered: UInt64
    let message: [UInt8]

    init(_ container: Container) {
        startTime = container.process.startTime
        registered = container.registered
        message = container.message
    }

    /// A message with as many annotations as a record holds, those that name the workload first. The daemon keeps no more either:
    /// what a pod's author may write must not decide how much memory and time a container costs.
    static func bounded(_ body: ArraySlice<UInt8>) -> [UInt8] {
        let room = limit - headerBytes
        guard body.count > room, let message = try? HookMessage(decoding: body) else { return Array(body) }
        // Paths and ids fit with room to spare (HookLimits); only annotations are left out.
        return Array(message.encoded(bodyLimit: room).dropFirst(Frame.lengthBytes))
    }

    /// Nil if the bytes are not a record.
    init?(decoding bytes: [UInt8]) {
        guard bytes.count > Self.headerBytes else { return nil }
        startTime = Self.word(bytes, at: 0)
        registered = Self.word(bytes, at: 8)
        message = Array(bytes[Self.headerBytes...])
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + message.count)
        for word in [startTime, registered] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        bytes.append(contentsOf: message)
        return bytes
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }
    }
}

/// `PC_ABI_VERSION`, for answers.
public let abiVersion = UInt32(PC_ABI_VERSION)
