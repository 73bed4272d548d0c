#if Feed
import Client
import Core
import FeedProtocol
import FoundationEssentials
import GRPCCore
import SwiftProtobuf

/// `policy.ProbeService`: which containers there are, and which policies each has.
struct ProbeService: Policy_ProbeService.SimpleServiceProtocol {
    let hub: Hub

    private struct Listed: Decodable {
        let id, name, pod, state: String
        let sandbox: Bool
        let policies: [String]
    }

    private struct Status: Decodable {
        struct Enforcement: Decodable {
            struct Host: Decodable {
                let name: String
                let policies: [String]
            }
            let host: Host
        }
        let enforcing: Bool
        let enforcement: Enforcement
    }

    func getProbeData(request: Google_Protobuf_Empty, context: ServerContext) async throws -> Policy_ProbeResponse {
        let socket = hub.options.eventsSocket
        // It waits in recv(2), which must hold up no other call.
        return try await Question.ask {
            do { return try probe(socket) } catch { throw RPCError(code: .unavailable, message: "\(error)") }
        }
    }

    private func probe(_ socket: String) throws -> Policy_ProbeResponse {
        var response = Policy_ProbeResponse()
        var containers = try ControlConnection(socket, .containers)
        containers.limitWaiting(milliseconds: Question.patience)
        defer { containers.close() }
        while let item = try containers.next() {
            let container = try JSONDecoder().decode(Listed.self, from: Data(item))
            guard container.state == "running", !container.sandbox else { continue }
            let name = container.name.isEmpty ? container.id : container.name
            response.containerList.append(name)
            let endpoint = container.pod.isEmpty ? name : container.pod
            // A pod has the policies of all its containers.
            var data = response.containerMap[endpoint] ?? Policy_ContainerData()
            data.policyList += container.policies.filter { !data.policyList.contains($0) }
            // KubeArmor's number for a pod whose policies are enforced.
            data.policyEnabled = 1
            response.containerMap[endpoint] = data
        }
        var conversation = try ControlConnection(socket, .status)
        conversation.limitWaiting(milliseconds: Question.patience)
        defer { conversation.close() }
        guard let item = try conversation.next() else { return response }
        let status = try JSONDecoder().decode(Status.self, from: Data(item))
        var host = Policy_HostSecurityPolicies()
        host.policyList = status.enforcement.host.policies
        response.hostMap[status.enforcement.host.name] = host
        return response
    }
}
#endif
