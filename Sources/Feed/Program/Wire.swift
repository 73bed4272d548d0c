#if Feed
import Core
import FeedProtocol
import SwiftProtobuf

/// KubeArmor's messages as protobuf.
extension KubeArmorMessage {
    var alertBytes: [UInt8] { (try? alert.serializedBytes()) ?? [] }
    var logBytes: [UInt8] { (try? log.serializedBytes()) ?? [] }

    private var owner: Feeder_Podowner? {
        guard !workload.pod.isEmpty else { return nil }
        var owner = Feeder_Podowner()
        (owner.ref, owner.name, owner.namespace) = (Self.ownerKind, workload.pod, workload.namespace)
        return owner
    }

    private var eventDataMap: [String: String] { Dictionary(eventData.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }) }

    var alert: Feeder_Alert {
        var alert = Feeder_Alert()
        (alert.timestamp, alert.updatedTime, alert.clusterName, alert.hostName) = (timestamp, updatedTime, clusterName, hostName)
        (alert.namespaceName, alert.podName, alert.labels) = (workload.namespace, workload.pod, workload.labels)
        (alert.containerID, alert.containerName, alert.containerImage) = (workload.containerID, workload.containerName, workload.image)
        if let owner { alert.owner = owner }
        (alert.hostPpid, alert.hostPid, alert.ppid, alert.pid, alert.uid) = (hostParentPID, hostPID, parentPID, pid, uid)
        (alert.parentProcessName, alert.processName, alert.source) = (parentProcessName, processName, source)
        (alert.policyName, alert.severity, alert.tags, alert.atags, alert.message) = (policyName, severityText, tagText, tags, message)
        (alert.type, alert.operation, alert.resource, alert.data, alert.eventData) = (type, operation, resource, data, eventDataMap)
        (alert.enforcer, alert.action, alert.result, alert.cwd, alert.tty) = (enforcer, action, result, directory, terminal)
        (alert.maxAlertsPerSec, alert.droppingAlertsInterval) = (maximumAlertsPerSecond, droppingAlertsInterval)
        (alert.kubeArmorVersion, alert.nodeID, alert.userName, alert.eventID) = (Self.version, nodeID, userName, eventID)
        return alert
    }

    var log: Feeder_Log {
        var log = Feeder_Log()
        (log.timestamp, log.updatedTime, log.clusterName, log.hostName) = (timestamp, updatedTime, clusterName, hostName)
        (log.namespaceName, log.podName, log.labels) = (workload.namespace, workload.pod, workload.labels)
        (log.containerID, log.containerName, log.containerImage) = (workload.containerID, workload.containerName, workload.image)
        if let owner { log.owner = owner }
        (log.hostPpid, log.hostPid, log.ppid, log.pid, log.uid) = (hostParentPID, hostPID, parentPID, pid, uid)
        (log.parentProcessName, log.processName, log.source) = (parentProcessName, processName, source)
        (log.type, log.operation, log.resource, log.data, log.eventData) = (type, operation, resource, data, eventDataMap)
        (log.result, log.cwd, log.tty, log.nodeID, log.userName, log.eventID) = (result, directory, terminal, nodeID, userName, eventID)
        return log
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
