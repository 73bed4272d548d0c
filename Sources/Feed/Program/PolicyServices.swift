#if Feed
import Client
import Core
import FeedProtocol
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import SwiftProtobuf

/// `policy.PolicyService`: hands policies to the daemon, which decides whether they may come this way at all.
struct PolicyService: Policy_PolicyService.SimpleServiceProtocol {
    let hub: Hub
    let logger: Logger
    /// A change over TCP needs a client certificate; on the UNIX socket its file mode says who may.
    let needsCertificate: Bool

    func containerPolicy(request: Policy_policy, context: ServerContext) async throws -> Policy_response { try await change(request, "KubeArmorPolicy", context) }
    func hostPolicy(request: Policy_policy, context: ServerContext) async throws -> Policy_response { try await change(request, "KubeArmorHostPolicy", context) }

    /// These are firewall rules, which nothing here enforces.
    func networkPolicy(request: Policy_policy, context: ServerContext) async throws -> Policy_response { answer(.notEnabled) }

    private func answer(_ status: Policy_PolicyStatus) -> Policy_response {
        var response = Policy_response()
        response.status = status
        return response
    }

    private func change(_ request: Policy_policy, _ kind: String, _ context: ServerContext) async throws -> Policy_response {
        if needsCertificate {
            let peer = context.transportSpecific as? HTTP2ServerTransport.Posix.Context
            guard peer?.peerCertificate != nil else {
                throw RPCError(code: .permissionDenied, message: "policies can be changed over TCP only with a client certificate (tls-client-ca)")
            }
        }
        guard let change = PolicyChangeRequest(json: request.policy, kind: kind) else { return answer(.invalid) }
        let socket = hub.options.eventsSocket
        // The daemon answers in its own time; nothing else here waits for it.
        let status = try await Question.ask { carryOut(change, socket) }
        logger.info("a policy came by gRPC", metadata: ["policy": "\(change.identity)", "type": "\(change.type)", "from": "\(context.remotePeer)", "status": "\(status)"])
        return answer(status)
    }

    private func carryOut(_ change: PolicyChangeRequest, _ socket: String) -> Policy_PolicyStatus {
        do throws(PortcullisError) {
            switch change.type {
            case "ADDED", "MODIFIED":
                let submission = PolicySubmission(name: "gRPC", text: change.document)
                var connection = try ControlConnection(socket, .applyPolicies, bytes: submission.encoded)
                connection.limitWaiting(milliseconds: Question.patience)
                defer { connection.close() }
                guard let answer = try connection.next(), let hasChanged = PolicyChangeRequest.hasChanged(answer) else { return .invalid }
                // Of a container's policy KubeArmor's answer is the request's type, of the host's what became of it.
                return change.type == "MODIFIED" || change.isOfHost && hasChanged ? .modified : .applied
            case "DELETED":
                var connection = try ControlConnection(socket, .deletePolicy, change.identity)
                connection.limitWaiting(milliseconds: Question.patience)
                defer { connection.close() }
                return try connection.next() == nil ? .notExist : .deleted
            default: return .invalid
            }
        } catch {
            logger.warning("the daemon did not take a policy: \(error)", metadata: ["policy": "\(change.identity)"])
            return error.description.contains("for reading only") ? .notEnabled : error.description.contains("there is no") ? .notExist : .failure
        }
    }
}
#endif
