#if Feed
import Core
import FeedProtocol
import GRPCCore
import GRPCProtobuf

/// Messages that are bytes already: encoded once, for all clients.
private struct Passed: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: EncodedMessage) throws -> Bytes { Bytes(message.bytes) }
}

/// `feeder.LogService`: alerts, logs and messages as they come.
struct LogService: RegistrableRPCService {
    let hub: Hub

    /// The generated code would encode each message anew for each client.
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Feeder_LogService.Method.HealthCheck.descriptor, deserializer: ProtobufDeserializer<Feeder_NonceMessage>(),
            serializer: ProtobufSerializer<Feeder_ReplyMessage>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            var reply = Feeder_ReplyMessage()
            reply.retval = request.message.nonce
            return StreamingServerResponse(single: ServerResponse(message: reply))
        }
        stream(Feeder_LogService.Method.WatchMessages.descriptor, .messages, [], &router)
        stream(Feeder_LogService.Method.WatchAlerts.descriptor, .alerts, ["all", "policy"], &router)
        stream(Feeder_LogService.Method.WatchLogs.descriptor, .logs, ["all", "system"], &router)
    }

    /// - Parameter filters: What the request's filter may be; with any other the stream ends at once, as KubeArmor's does. Empty: anything.
    private func stream<Transport: ServerTransport>(_ method: MethodDescriptor, _ stream: Hub.Stream, _ filters: [String], _ router: inout RPCRouter<Transport>) {
        router.registerHandler(forMethod: method, deserializer: ProtobufDeserializer<Feeder_RequestMessage>(), serializer: Passed()) { [hub] request, _ in
            let filter = try await ServerRequest(stream: request).message.filter
            guard filters.isEmpty || filters.contains(filter) else { return StreamingServerResponse { _ in [:] } }
            // Before the client is told that the stream is open: it misses nothing from then on.
            guard let seat = Seat.take(hub, stream) else { throw RPCError(code: .resourceExhausted, message: "\(Seat.limit) streams are open already") }
            await hub.isReady(stream)
            return StreamingServerResponse { writer in
                let subscription = seat.subscription
                try await withRPCCancellationHandler {
                    while let batch = await subscription.next() {
                        if !batch.messages.isEmpty { try await writer.write(contentsOf: batch.messages) }
                        if batch.dropped > 0 { try await writer.write(contentsOf: hub.lossNotice(stream, batch.dropped)) }
                    }
                } onCancelRPC: {
                    subscription.close()
                }
                return [:]
            }
        }
    }
}
#endif
