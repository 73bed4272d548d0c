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

    /// What is the same in all alerts of a container.
    fileprivate var constantAlert: Feeder_Alert {
        var alert = Feeder_Alert()
        (alert.clusterName, alert.hostName, alert.nodeID, alert.kubeArmorVersion) = (clusterName, hostName, nodeID, Self.version)
        (alert.namespaceName, alert.podName, alert.labels) = (workload.namespace, workload.pod, workload.labels)
        (alert.containerID, alert.containerName, alert.containerImage) = (workload.containerID, workload.containerName, workload.image)
        if let owner { alert.owner = owner }
        return alert
    }

    /// The rest of it; numbers as in feeder.proto.
    fileprivate func writeAlert(_ writer: inout FieldWriter) {
        writer.number(1, timestamp)
        writer.text(2, updatedTime)
        for (field, number) in [(27, hostParentPID), (9, hostPID), (10, parentPID), (11, pid), (12, uid)] { writer.number(field, number) }
        for (field, text) in [(25, parentProcessName), (26, processName), (13, policyName), (14, severityText), (15, tagText)] { writer.text(field, text) }
        for tag in tags { writer.element(30, tag) }
        for (field, text) in [(16, message), (17, type), (18, source), (19, operation), (20, resource), (21, data)] { writer.text(field, text) }
        for datum in eventData { writer.entry(43, datum.key, datum.value) }
        for (field, text) in [(28, enforcer), (22, action), (23, result), (32, directory), (33, terminal), (44, userName), (1001, eventID)] { writer.text(field, text) }
        for (field, number) in [(34, maximumAlertsPerSecond), (35, droppingAlertsInterval)] { writer.number(field, number) }
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

    /// The rest of it; numbers as in feeder.proto.
    fileprivate func writeLog(_ writer: inout FieldWriter) {
        writer.number(1, timestamp)
        writer.text(2, updatedTime)
        writer.number(22, hostParentPID)
        writer.number(9, hostPID)
        writer.number(10, parentPID)
        writer.number(11, pid)
        writer.number(12, uid)
        writer.text(20, parentProcessName)
        writer.text(21, processName)
        writer.text(13, type)
        writer.text(14, source)
        writer.text(15, operation)
        writer.text(16, resource)
        writer.text(17, data)
        for datum in eventData { writer.entry(33, datum.key, datum.value) }
        writer.text(18, result)
        writer.text(25, directory)
        writer.text(26, terminal)
        writer.text(34, userName)
        writer.text(1001, eventID)
    }
}

/// Messages of one stream as they go over the wire. Who a container is, half of each message, is encoded once: protobuf reads messages that are put one behind the
/// other as one (Encoding, "Last One Wins"). Used by one thread.
final class MessageEncoder: @unchecked Sendable {
    /// Containers whose part is kept. Beyond it all are forgotten and encoded again.
    private static let capacity = 1024
    /// Of most messages, beside who the container is.
    private static let usualBytes = 480

    private var parts: [String: (workload: FeedWorkload, bytes: [UInt8])] = [:]

    /// All of one node: its names are taken to be those of the first message of a container.
    func encode(_ messages: [KubeArmorMessage]) -> [EncodedMessage] {
        var encoded: [EncodedMessage] = []
        encoded.reserveCapacity(messages.count)
        // In place: each has some thirty texts, which a copy would have to hold and let go.
        messages.withUnsafeBufferPointer { messages in for place in messages.indices { encoded.append(encode(messages[place])) } }
        return encoded
    }

    private func encode(_ message: KubeArmorMessage) -> EncodedMessage {
        var writer = FieldWriter(after: constantPart(message), room: Self.usualBytes)
        if message.kind == .alert { message.writeAlert(&writer) } else { message.writeLog(&writer) }
        return EncodedMessage(bytes: writer.bytes, weight: message.lostCount ?? message.heldCount ?? message.repeatCount)
    }

    private func constantPart(_ message: KubeArmorMessage) -> [UInt8] {
        if let known = parts[message.workload.containerID], known.workload == message.workload { return known.bytes }
        if parts.count >= Self.capacity { parts.removeAll(keepingCapacity: true) }
        let bytes: [UInt8]? = message.kind == .alert ? try? message.constantAlert.serializedBytes() : try? message.constantLog.serializedBytes()
        parts[message.workload.containerID] = (message.workload, bytes ?? [])
        return bytes ?? []
    }
}
#endif
