import Core

/// Alerts and logs as the feed makes them, for the tests of what reads and prints them.
enum MessageSamples {
    static func workload(_ id: String = "3f2a91b7c0de", name: String = "web", pod: String = "web-0", namespace: String = "shop") -> FeedWorkload {
        var workload = FeedWorkload()
        (workload.containerID, workload.containerName, workload.pod, workload.namespace) = (id, name, pod, namespace)
        (workload.image, workload.labels) = ("nginx:1", "app=web")
        return workload
    }

    static func log(_ operation: String, _ resource: String, process: String = "/bin/sh", parent: String = "", result: String = "Passed", data: String = "", at second: Int = 5) -> KubeArmorMessage {
        var message = KubeArmorMessage(.log)
        message.timestamp = 1_767_323_045 + Int64(second) - 5
        message.updatedTime = "2026-01-02T03:04:\(second < 10 ? "0" : "")\(second).678901Z"
        message.workload = workload()
        (message.hostParentPID, message.hostPID, message.parentPID, message.pid, message.uid) = (4700, 4711, 0, 1, 33)
        (message.type, message.operation, message.resource, message.processName, message.parentProcessName) = ("ContainerLog", operation, resource, process, parent)
        (message.result, message.data) = (result, data)
        message.eventData = data.split(separator: " ").compactMap { part in
            let halves = part.split(separator: "=", maxSplits: 1)
            return halves.count == 2 ? .init(key: halves[0].prefix(1).uppercased() + halves[0].dropFirst(), value: String(halves[1])) : nil
        }
        message.eventID = "4f1c22ab-00000a3b5c7d9e0\(String(second, radix: 16).suffix(1))-0"
        return message
    }

    static func alert(_ operation: String, _ resource: String, process: String = "/bin/cat", action: String = "Block", result: String = "Permission denied", at second: Int = 5) -> KubeArmorMessage {
        var message = log(operation, resource, process: process, parent: "/bin/sh", result: result, data: "lsm=FILE_OPEN flags=O_RDONLY", at: second)
        message.kind = .alert
        message.type = "MatchedPolicy"
        (message.policyName, message.severity, message.tags, message.message) = ("secrets", 7, ["A", "B"], "keep out")
        (message.enforcer, message.action) = ("BPFLSM", action)
        (message.directory, message.terminal) = ("/", "pts0")
        return message
    }
}
