import HookWire

extension KubeArmorMessage {
    /// One line as `karmor logs --json` prints it: KubeArmor's keys in the order of its messages, empty ones left out but for PPID and UID, and `EventID`.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("Timestamp", timestamp)
            writer.member("UpdatedTime", updatedTime)
            writer.present("ClusterName", clusterName)
            writer.present("HostName", hostName)
            describeWorkload(&writer)
            describeProcess(&writer)
            if kind == .alert { describePolicy(&writer) }
            writer.present("Type", type)
            writer.present("Source", source)
            writer.present("Operation", operation)
            writer.present("Resource", resource)
            writer.present("Data", data)
            if !eventData.isEmpty {
                writer.key("EventData")
                // Go writes the keys of a map in their order.
                writer.object { writer in for datum in eventData.sorted(by: { $0.key < $1.key }) { writer.member(datum.key, datum.value) } }
            }
            if kind == .alert {
                writer.present("Enforcer", enforcer)
                writer.present("Action", action)
            }
            writer.present("Result", result)
            writer.present("Cwd", directory)
            writer.present("TTY", terminal)
            if kind == .alert {
                writer.present("MaxAlertsPerSec", maximumAlertsPerSecond)
                writer.present("DroppingAlertsInterval", droppingAlertsInterval)
                writer.present("KubeArmorVersion", Self.version)
            }
            writer.present("NodeID", nodeID)
            writer.present("UserName", userName)
            writer.present("EventID", eventID)
        }
        return writer.bytes
    }

    /// What made it, where KubeArmor says which of its versions did.
    public static let version = "portcullis \(BuildVersion.text)"

    private func describeWorkload(_ writer: inout JSONWriter) {
        guard !isOfHost else { return }
        writer.present("NamespaceName", workload.namespace)
        if !workload.pod.isEmpty {
            writer.key("Owner")
            writer.object { writer in
                writer.member("Ref", Self.ownerKind)
                writer.member("Name", workload.pod)
                writer.member("Namespace", workload.namespace)
            }
        }
        writer.present("PodName", workload.pod)
        writer.present("Labels", workload.labels)
        writer.present("ContainerID", workload.containerID)
        writer.present("ContainerName", workload.containerName)
        writer.present("ContainerImage", workload.image)
    }

    /// What owns a pod is not known here; KubeArmor names the pod itself where nothing else does.
    public static let ownerKind = "Pod"

    private func describeProcess(_ writer: inout JSONWriter) {
        writer.present("HostPPID", hostParentPID)
        writer.present("HostPID", hostPID)
        writer.member("PPID", parentPID)
        writer.present("PID", pid)
        writer.member("UID", uid)
        writer.present("ParentProcessName", parentProcessName)
        writer.present("ProcessName", processName)
    }

    private func describePolicy(_ writer: inout JSONWriter) {
        writer.present("PolicyName", policyName)
        writer.present("Severity", severityText)
        writer.present("Tags", tagText)
        if !tags.isEmpty {
            writer.key("ATags")
            writer.array { writer in for tag in tags { writer.string(tag) } }
        }
        writer.present("Message", message)
    }
}

extension JSONWriter {
    /// Left out if it is empty.
    fileprivate mutating func present(_ name: String, _ value: String) {
        if !value.isEmpty { member(name, value) }
    }

    /// Left out if it is 0.
    fileprivate mutating func present(_ name: String, _ value: Int32) {
        if value != 0 { member(name, value) }
    }
}
