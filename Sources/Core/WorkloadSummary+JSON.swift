extension WorkloadSummary {
    /// One object.
    public func json(_ workload: Workload) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("Namespace", workload.namespace)
            writer.member("PodName", workload.pod)
            writer.member("ContainerName", workload.container)
            writer.member("ContainerID", containerID(of: workload))
            writer.member("ContainerImage", image(of: workload))
            writer.member("Label", labels(of: workload))
            for section in Section.allCases {
                writer.key(section.key)
                writer.array { writer in
                    for row in rows(of: workload, section) { writer.object { writer in section.describe(row, &writer) } }
                }
            }
        }
        return writer.bytes
    }

    /// What is not in the rows; the last line of a summary as JSON.
    public func closingJSON(unreadable: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("Counted", counted)
            writer.member("Lost", lost)
            writer.member("Held", held)
            writer.member("BeyondLimit", beyondLimit)
            writer.member("Unreadable", unreadable)
        }
        return writer.bytes
    }
}

extension WorkloadSummary.Section {
    /// Its name in JSON.
    var key: String {
        switch self {
        case .processes: "ProcessData"
        case .files: "FileData"
        case .outgoing: "EgressConnection"
        case .incoming: "IngressConnection"
        case .binds: "BindConnection"
        case .sockets: "SocketData"
        case .others: "OtherData"
        }
    }

    fileprivate func describe(_ row: WorkloadSummary.Row, _ writer: inout JSONWriter) {
        switch self {
        case .processes, .files, .others:
            writer.member("Source", row.source)
            writer.member("Destination", row.target)
        case .outgoing, .incoming, .binds, .sockets:
            writer.member("Protocol", row.protocolName)
            writer.member("Command", row.source)
            writer.member(self == .binds ? "BindAddress" : "IP", row.target)
            writer.member(self == .binds ? "BindPort" : "Port", row.port)
        }
        writer.member("Count", row.count)
        writer.member("UpdatedTime", row.lastSeen)
        writer.member("Status", row.status.rawValue)
    }
}
