import Core

/// An alert as the daemon's own JSON says it.
struct DaemonAlert: Decodable {
    struct Container: Decodable { let id, namespace, pod, name: String }
    struct Process: Decodable {
        let pid, hostPid, uid: Int
        let comm: String
    }
    let type: String
    let count: Int?
    let time, policy, namespace, section, rule, action, operation, access, path, resource, syscall, result, executable, reason, message: String?
    let severity: Int?
    let host: Bool?
    let container: Container?
    let process: Process?

    var isLossNotice: Bool { type == "lost" }

    /// What a filter looks at.
    var filtered: KubeArmorMessage {
        var message = KubeArmorMessage(.alert)
        message.policyName = policy.flatMap { $0.isEmpty ? nil : $0 } ?? Core.Alert.posturePolicy
        message.operation = feedOperation
        message.action = action ?? ""
        message.result = result ?? ""
        guard host != true, let container else { return message }
        message.workload.containerID = container.id
        message.workload.containerName = container.name
        message.workload.pod = container.pod
        message.workload.namespace = container.namespace
        if container.namespace.isEmpty {
            // It is in no namespace of Kubernetes': the one of its policies is that of the rule, if that is not for the whole cluster.
            message.workload.namespace = namespace.flatMap { $0.isEmpty || $0.hasPrefix("_") ? nil : $0 } ?? ContainerLabels.defaultNamespace
        }
        return message
    }

    private var feedOperation: String {
        switch section {
        case "process": "Process"
        case "presets": operation == "exec" ? "Process" : "File"
        case "network", "dns": "Network"
        case "capabilities": "Capabilities"
        case "syscalls": "Syscall"
        default: "File"
        }
    }

    /// For a person; it also names the rule's place in its policy.
    var line: String {
        if isLossNotice { return "*** \(count ?? 0) alerts were dropped: this reader is too slow ***" }
        guard let process, let owner = container else { return type }
        let time = time.map { String($0.dropFirst(11).prefix(12)) } ?? ""
        let short = MessageText.shortID(owner.id)
        let names = [owner.namespace, owner.pod, owner.name].filter { !$0.isEmpty }
        let name = host == true ? "host" : names.isEmpty ? short : "\(names.joined(separator: "/"))(\(short))"
        let verdict = MessageText.verdict(filtered)
        let actor = executable.flatMap { $0.isEmpty ? nil : $0 } ?? process.comm
        let object = [syscall, path ?? resource].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        var text = "\(time) \(name) \(verdict) \(operation ?? "?") \(object) by \(actor)"
        text += " pid=\(process.pid) host-pid=\(process.hostPid) uid=\(process.uid)"
        if let policy, !policy.isEmpty {
            let place = namespace.flatMap { $0.isEmpty ? nil : "\($0)/" } ?? ""
            text += " policy=\(place)\(policy)" + (rule.flatMap { $0.isEmpty ? nil : " rule=\($0)" } ?? "")
        }
        if syscall != nil, let result { text += " result=\(result)" }
        if let severity, severity > 0 { text += " severity=\(severity)" }
        if let reason, !reason.isEmpty { text += " (\(reason))" }
        if let message, !message.isEmpty { text += " \"\(message)\"" }
        return text
    }
}
