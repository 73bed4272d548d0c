/// Alerts and logs as lines for people. Nothing is made safe for a terminal here.
public enum MessageText {
    /// What became of it, in one word: of an alert what the policy made of it, of a log how it ended.
    public static func verdict(_ message: KubeArmorMessage) -> String {
        guard message.kind == .alert else { return message.hasPassed ? "PASSED" : message.isDenied ? "DENIED" : "FAILED" }
        switch message.action {
        case "Block": return "BLOCKED"
        case "Audit (Block)": return "WOULD-BLOCK"
        default: return "AUDIT"
        }
    }

    /// Namespace, pod and name of a container and how its id begins; the id alone of one without names.
    public static func owner(_ workload: FeedWorkload) -> String {
        guard !workload.containerID.isEmpty else { return "host" }
        let short = shortID(workload.containerID)
        // Outside Kubernetes the id is the name, where nobody gave another.
        let names = [workload.pod, workload.containerName].filter { !$0.isEmpty && $0 != workload.containerID }
        guard !names.isEmpty else { return short }
        return (workload.namespace.isEmpty ? names : [workload.namespace] + names).joined(separator: "/") + "(\(short))"
    }

    /// As Docker and podman do: 12 digits of a generated id, all of one that a person chose.
    public static func shortID(_ id: String) -> String { id.utf8.count == 64 && id.allSatisfy(\.isHexDigit) ? String(id.prefix(12)) : id }

    /// The time of day, in milliseconds.
    public static func time(_ message: KubeArmorMessage) -> String { String(message.updatedTime.dropFirst(11).prefix(12)) }

    /// Who did it: of an exec the program that asked for it.
    static func actor(_ message: KubeArmorMessage) -> String {
        message.operation == "Process" ? message.parentProcessName : message.processName.isEmpty ? message.source : message.processName
    }

    /// One line that has all a person looks for.
    public static func compact(_ message: KubeArmorMessage) -> String {
        if message.isLossNotice { return "*** \(message.resource) ***" }
        var text = "\(time(message)) \(owner(message.workload)) \(verdict(message)) \(message.operation)"
        if !message.resource.isEmpty { text += " \(message.resource)" }
        let actor = actor(message)
        if !actor.isEmpty { text += " by \(actor)" }
        text += " pid=\(message.pid) host-pid=\(message.hostPID) uid=\(message.uid)"
        if !message.policyName.isEmpty { text += " policy=\(message.policyName)" }
        if message.severity > 0 { text += " severity=\(message.severity)" }
        if !message.hasPassed, !message.result.isEmpty { text += " (\(message.result))" }
        if message.kind == .log, !message.data.isEmpty { text += " [\(message.data)]" }
        if !message.message.isEmpty { text += " \"\(message.message)\"" }
        return text
    }

    /// The columns of a table, and how wide they are: nobody knows what is still to come.
    public static let columns: [(title: String, width: Int)] = [
        ("TIME", 12), ("WORKLOAD", 28), ("VERDICT", 11), ("OPERATION", 12), ("POLICY", 20), ("PROCESS", 24), ("RESOURCE", 0),
    ]

    public static func cells(_ message: KubeArmorMessage) -> [String] {
        [time(message), owner(message.workload), verdict(message), message.operation, message.policyName, actor(message), message.resource]
    }

    /// Cells of a table's row side by side. One that is too wide pushes the others: nothing is cut.
    public static func row(_ cells: [String]) -> String {
        var text = ""
        for (cell, column) in zip(cells, columns) {
            let shown = cell.isEmpty ? "-" : cell
            text += shown + (column.width == 0 ? "" : String(repeating: " ", count: max(column.width - shown.count, 0) + 2))
        }
        return text
    }

    public static var title: String { row(columns.map(\.title)) }
}
