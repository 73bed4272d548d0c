#if Feed
import Core
import FeedProtocol
import SwiftProtobuf

/// KubeArmor's messages as protobuf.
extension KubeArmorMessage {
    private var owner: Feeder_Podowner? {
        guard !workload.pod.isEmpty else { return nil }
        var owner = Feeder_Podowner()
        (owner.ref, owner.name, owner.namespace) = (Self.ownerKind, workload.pod, workload.namespace)
        return owner
    }

    private var eventDataMap: [String: String] { Dictionary(eventData.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }) }

    /// What is the same in all alerts of a container.
    fileprivate var constantAlert: Feeder_Alert {
        var alert = Feeder_Alert()
        (alert.clusterName, alert.hostName, alert.nodeID, alert.kubeArmorVersion) = (clusterName, hostName, nodeID, Self.version)
        (alert.namespaceName, alert.podName, alert.labels) = (workload.namespace, workload.pod, workload.labels)
        (alert.containerID, alert.containerName, alert.containerImage) = (workload.containerID, workload.containerName, workload.image)
        if let owner { alert.owner = owner }
        return alert
    }

    fileprivate var ownAlert: Feeder_Alert {
        var alert = Feeder_Alert()
        (alert.timestamp, alert.updatedTime) = (timestamp, updatedTime)
        (alert.hostPpid, alert.hostPid, alert.ppid, alert.pid, alert.uid) = (hostParentPID, hostPID, parentPID, pid, uid)
        (alert.parentProcessName, alert.processName, alert.source) = (parentProcessName, processName, source)
        (alert.policyName, alert.severity, alert.tags, alert.atags, alert.message) = (policyName, severityText, tagText, tags, message)
        (alert.type, alert.operation, alert.resource, alert.data, alert.eventData) = (type, operation, resource, data, eventDataMap)
        (alert.enforcer, alert.action, alert.result, alert.cwd, alert.tty) = (enforcer, action, result, directory, terminal)
        (alert.maxAlertsPerSec, alert.droppingAlertsInterval) = (maximumAlertsPerSecond, droppingAlertsInterval)
        (alert.userName, alert.eventID) = (userName, eventID)
        return alert
    }

    /// What is the same in all logs of a container.
    fileprivate var constantLog: Feeder_Log {
        var log = Feeder_Log()
        (log.clusterName, log.hostName, log.nodeID) = (clusterName, hostName, nodeID)
        (log.namespaceName, log.podName, log.labels) = (workload.namespace, workload.pod, workload.labels)
        (log.containerID, log.containerName, log.containerImage) = (workload.containerID, workload.containerName, workload.image)
        if let owner { log.owner = owner }
        return log
    }

    fileprivate var ownLog: Feeder_Log {
        var log = Feeder_Log()
        (log.timestamp, log.updatedTime) = (timestamp, updatedTime)
        (log.hostPpid, log.hostPid, log.ppid, log.pid, log.uid) = (hostParentPID, hostPID, parentPID, pid, uid)
        (log.parentProcessName, log.processName, log.source) = (parentProcessName, processName, source)
        (log.type, log.operation, log.resource, log.data, log.eventData) = (type, operation, resource, data, eventDataMap)
        (log.result, log.cwd, log.tty, log.userName, log.eventID) = (result, directory, terminal, userName, eventID)
        return log
    }
}

/// Messages of one stream as they go over the wire. Who a container is, half of each message, is encoded once: protobuf reads messages that are put one behind the
/// other as one (Encoding, "Last One Wins"). Used by one thread.
final class MessageEncoder: @unchecked Sendable {
    /// Containers whose part is kept. Beyond it all are forgotten and encoded again.
    private static let capacity = 1024

    private var parts: [String: (workload: FeedWorkload, bytes: [UInt8])] = [:]

    /// All of one node: its names are taken to be those of the first message of a container.
    func encode(_ messages: [KubeArmorMessage]) -> [EncodedMessage] {
        var encoded: [EncodedMessage] = []
        encoded.reserveCapacity(messages.count)
        for place in messages.indices { encoded.append(encode(messages[place])) }
        return encoded
    }

    private func encode(_ message: borrowing KubeArmorMessage) -> EncodedMessage {
        let own: [UInt8]? = message.kind == .alert ? try? message.ownAlert.serializedBytes() : try? message.ownLog.serializedBytes()
        return EncodedMessage(bytes: constantPart(message) + (own ?? []), weight: message.lostCount ?? message.repeatCount)
    }

    private func constantPart(_ message: borrowing KubeArmorMessage) -> [UInt8] {
        if let known = parts[message.workload.containerID], known.workload == message.workload { return known.bytes }
        if parts.count >= Self.capacity { parts.removeAll(keepingCapacity: true) }
        let bytes: [UInt8]? = message.kind == .alert ? try? message.constantAlert.serializedBytes() : try? message.constantLog.serializedBytes()
        parts[message.workload.containerID] = (message.workload, bytes ?? [])
        return bytes ?? []
    }
}

/// How a client learns that messages are missing: in the stream itself, where they would have been.
enum LossNotice {
    /// - Parameter count: Nil if nobody knows.
    static func message(_ stream: Hub.Stream, _ count: UInt64?, _ node: FeedTranslator, _ why: String) -> KubeArmorMessage {
        var message = node.notice(stream == .alerts ? .alert : .log, nanoseconds: Node.now)
        message.operation = "Lost"
        let number = count.map(String.init) ?? "unknown"
        let what = stream == .alerts ? "alerts" : "logs"
        message.message = count.map { "\($0) \(what) were lost: \(why)" } ?? "\(what) may be lost: \(why)"
        message.data = "lost=\(number)"
        // Logs have no Message.
        message.resource = message.message
        message.eventData = [.init(key: "Lost", value: number)]
        return message
    }
}
#endif
