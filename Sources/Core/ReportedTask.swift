import CABI

/// What events and alerts of the kernel's say alike of a process and its parent.
protocol ReportedTask {
    associatedtype Name
    var pid: UInt32 { get }
    var namespace_pid: UInt32 { get }
    var parent_pid: UInt32 { get }
    var parent_namespace_pid: UInt32 { get }
    var uid: UInt32 { get }
    var comm: Name { get }
    var parent_comm: Name { get }
    var start_time: UInt64 { get }
}

extension pc_event: ReportedTask {}
extension pc_alert: ReportedTask {}

extension JSONWriter {
    /// The process and its parent.
    mutating func members(of task: some ReportedTask) {
        func text(_ name: some Any) -> [UInt8] { withUnsafeBytes(of: name) { Array($0.prefix { $0 != 0 }) } }
        member("pid", task.namespace_pid)
        member("hostPid", task.pid)
        member("parentPid", task.parent_namespace_pid)
        member("parentHostPid", task.parent_pid)
        member("uid", task.uid)
        member("comm", text(task.comm))
        member("parentComm", text(task.parent_comm))
        member("startTime", task.start_time)
    }

    /// The container, as far as it is known, and its slot.
    mutating func members(of container: Container?, _ workload: WorkloadIdentity, _ reference: SlotReference) {
        member("id", container?.name ?? "")
        member("namespace", workload.namespace)
        member("pod", workload.pod)
        member("name", workload.containerName)
        member("image", workload.image)
        member("slot", reference.slot)
        member("generation", reference.generation)
    }
}
