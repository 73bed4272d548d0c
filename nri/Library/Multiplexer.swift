import Core

/// The layer below ttrpc: one socket that carries several byte streams, in frames of `u32 BE stream, u32 BE payload bytes, payload` (NRI, pkg/net/multiplex).
///
/// Frames say nothing of where a message ends: the runtime cuts them where its buffer was full.
public enum Multiplexer {
    /// The streams that NRI uses. Frames of others are nobody's, and dropped.
    public enum Stream: UInt32, Sendable {
        /// The runtime asks, the plugin answers.
        case plugin = 1
        /// The plugin asks, the runtime answers.
        case runtime = 2
    }

    public static let headerBytes = 8
    /// Bytes of payload that a frame to the runtime may have: it reads through a buffer of 4,096 bytes, and closes the connection on a larger one, although the
    /// bound in its source is in megabytes.
    public static let payloadLimit = 4096
    /// Bytes of payload that a frame from the runtime may have. It sends messages whole; one may have somewhat more than 4 MiB (`TTRPCMessage.dataLimit`).
    public static let receiveLimit = TTRPCMessage.dataLimit + TTRPCMessage.headerBytes

    /// `bytes` in as many frames as it takes.
    public static func frames(_ bytes: [UInt8], on stream: Stream) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + (bytes.count / payloadLimit + 1) * headerBytes)
        var start = 0
        repeat {
            let end = min(start + payloadLimit, bytes.count)
            result.append(bigEndian: stream.rawValue)
            result.append(bigEndian: UInt32(end - start))
            result.append(contentsOf: bytes[start..<end])
            start = end
        } while start < bytes.count
        return result
    }
}

/// Takes what comes from the socket apart into streams.
public struct Demultiplexer {
    private var header: [UInt8] = []
    private var stream: UInt32 = 0
    private var remaining = 0

    public init() {}

    /// Hands the pieces of payload in `bytes` to `deliver`, as they come.
    ///
    /// - Throws: `.peer` for a frame that no runtime would send.
    public mutating func take(_ bytes: ArraySlice<UInt8>, deliver: (Multiplexer.Stream, ArraySlice<UInt8>) -> Void) throws(PortcullisError) {
        var rest = bytes
        while !rest.isEmpty {
            if remaining == 0 {
                let missing = min(Multiplexer.headerBytes - header.count, rest.count)
                header += rest.prefix(missing)
                rest = rest.dropFirst(missing)
                guard header.count == Multiplexer.headerBytes else { return }
                stream = header.bigEndian(at: 0)
                remaining = Int(header.bigEndian(at: 4))
                header.removeAll(keepingCapacity: true)
                guard remaining <= Multiplexer.receiveLimit else {
                    throw PortcullisError(.peer, "the runtime sends a frame of \(remaining) bytes; the limit is \(Multiplexer.receiveLimit)")
                }
            }
            let piece = rest.prefix(remaining)
            rest = rest.dropFirst(piece.count)
            remaining -= piece.count
            if let known = Multiplexer.Stream(rawValue: stream) { deliver(known, piece) }
        }
    }
}

extension Array where Element == UInt8 {
    mutating func append(bigEndian value: UInt32) {
        for shift in stride(from: UInt32(24), through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    func bigEndian(at offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 << 8 | UInt32(self[offset + $1]) } }
}
