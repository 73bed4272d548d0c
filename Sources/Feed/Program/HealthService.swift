#if Feed
import FeedProtocol
import GRPCCore

/// `grpc.health.v1`: serving while the daemon is there and all its programs are attached.
struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    let hub: Hub
    static let services = ["", "feeder.LogService", "policy.PolicyService", "policy.ProbeService"]

    func check(request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard Self.services.contains(request.service) else { throw RPCError(code: .notFound, message: "unknown service \(request.service)") }
        return status(request.service)
    }

    /// The state now, and then each change.
    func watch(
        request: Grpc_Health_V1_HealthCheckRequest, response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
    ) async throws {
        // Each change is announced as a message, so these say when to look.
        guard let seat = Seat.take(hub, .messages) else { throw RPCError(code: .resourceExhausted, message: "\(Seat.limit) streams are open already") }
        let subscription = seat.subscription
        try await withRPCCancellationHandler {
            var told: Grpc_Health_V1_HealthCheckResponse?
            repeat {
                let now = status(request.service)
                if now != told { try await response.write(now) }
                told = now
            } while await subscription.next() != nil
        } onCancelRPC: {
            subscription.close()
        }
    }

    private func status(_ service: String) -> Grpc_Health_V1_HealthCheckResponse {
        var answer = Grpc_Health_V1_HealthCheckResponse()
        answer.status = !Self.services.contains(service) ? .serviceUnknown : hub.condition.complaint.isEmpty ? .serving : .notServing
        return answer
    }
}
#endif
