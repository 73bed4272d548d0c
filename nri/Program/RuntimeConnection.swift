#if NRI
import CLinux
import Core
import FoundationEssentials
import Glibc
import NRI
import NRIProtocol
import SwiftProtobuf

/// The connection to the runtime: bytes on the one side, calls and answers on the other.
struct RuntimeConnection {
    private static let pluginService = "nri.pkg.api.v1alpha1.Plugin"
    private static let runtimeService = "nri.pkg.api.v1alpha1.Runtime"
    /// Milliseconds for which the runtime may keep this plugin from writing: what it is sent is small, and it always reads.
    private static let writingPatience = 2000

    let descriptor: Int32
    private var demultiplexer = Demultiplexer()
    private var calls = TTRPCReader()
    private var answers = TTRPCReader()
    private var buffer = [UInt8](repeating: 0, count: 32 << 10)

    /// What the runtime has sent.
    enum Incoming {
        /// It asks; `stream` is what the answer goes to, `timeout` how long it waits, in nanoseconds.
        case call(method: String, payload: [UInt8], stream: UInt32, timeout: Int64)
        /// It answers what this plugin has asked.
        case answer(code: Int32, message: String)
    }

    /// Takes over a descriptor that is connected.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        pcl_limit_waiting(descriptor, Int32(Self.writingPatience))
    }

    /// - Throws: `.system` if nobody listens.
    init(_ path: String) throws(PortcullisError) {
        descriptor = pcl_unix_connect_within(path, Int32(Self.writingPatience))
        guard descriptor >= 0 else { throw PortcullisError(.system, "connecting to the runtime at \(path)", errno: -descriptor) }
    }

    func close() { _ = Glibc.close(descriptor) }

    /// Reads what has come, at most one buffer full.
    ///
    /// - Throws: `.system` if the runtime has closed the connection, `.peer` if it sends what no runtime would.
    mutating func read() throws(PortcullisError) -> [Incoming] {
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return [] }
        guard count > 0 else { throw PortcullisError(.system, "the runtime has closed the connection", errno: count < 0 ? errno : 0) }
        // Moved and not copied: what has been collected of a long message may be megabytes.
        var calls = TTRPCReader(), answers = TTRPCReader()
        swap(&calls, &self.calls)
        swap(&answers, &self.answers)
        try demultiplexer.take(buffer[..<count]) { stream, piece in
            switch stream {
            case .plugin: calls.append(piece)
            case .runtime: answers.append(piece)
            }
        }
        swap(&calls, &self.calls)
        swap(&answers, &self.answers)
        var incoming: [Incoming] = []
        while let message = try self.answers.next() {
            guard message.kind == .response else { continue }
            let response: Ttrpc_Response = try Self.decode(message.data, "an answer")
            incoming.append(.answer(code: response.status.code, message: response.status.message))
        }
        while let message = try self.calls.next() {
            guard message.kind == .request else { continue }
            let request: Ttrpc_Request = try Self.decode(message.data, "a request")
            guard request.service == Self.pluginService else {
                try refuse(message.stream, code: 12, "no service \(request.service)")
                continue
            }
            incoming.append(.call(method: request.method, payload: Array(request.payload), stream: message.stream, timeout: request.timeoutNano))
        }
        return incoming
    }

    /// Reads one message of a request; what this plugin does not know of it is left out.
    static func decode<Message: SwiftProtobuf.Message>(_ bytes: [UInt8], _ what: String) throws(PortcullisError) -> Message {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do { return try Message(serializedBytes: bytes, options: options) } catch { throw PortcullisError(.peer, "the runtime sends \(what) that cannot be read: \(error)") }
    }

    /// Asks to be registered: the first and only call that this plugin makes.
    func register(name: String, index: String) throws(PortcullisError) {
        var registration = Nri_Pkg_Api_V1alpha1_RegisterPluginRequest()
        registration.pluginName = name
        registration.pluginIdx = index
        var request = Ttrpc_Request()
        request.service = Self.runtimeService
        request.method = "RegisterPlugin"
        request.payload = try Self.encode(registration)
        request.timeoutNano = 5_000_000_000
        try send(TTRPCMessage(.request, stream: 1, data: Array(try Self.encode(request))), on: .runtime)
    }

    func answer(_ stream: UInt32, _ payload: some SwiftProtobuf.Message) throws(PortcullisError) {
        var response = Ttrpc_Response()
        response.payload = try Self.encode(payload)
        try send(TTRPCMessage(.response, stream: stream, data: Array(try Self.encode(response))), on: .plugin)
    }

    /// Answers with an error: what the runtime was about to do fails with these words.
    func refuse(_ stream: UInt32, code: Int32 = 2, _ reason: String) throws(PortcullisError) {
        var response = Ttrpc_Response()
        response.status.code = code
        response.status.message = reason
        try send(TTRPCMessage(.response, stream: stream, data: Array(try Self.encode(response))), on: .plugin)
    }

    private static func encode(_ message: some SwiftProtobuf.Message) throws(PortcullisError) -> Data {
        do { return try message.serializedData() } catch { throw PortcullisError(.peer, "making a message for the runtime: \(error)") }
    }

    private func send(_ message: TTRPCMessage, on stream: Multiplexer.Stream) throws(PortcullisError) {
        let frames = Multiplexer.frames(message.encoded(), on: stream)
        var sent = 0
        while sent < frames.count {
            let count = frames.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PortcullisError(.system, "sending to the runtime", errno: errno) }
            sent += count
        }
    }
}
#endif
