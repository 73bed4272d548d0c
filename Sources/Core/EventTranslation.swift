import CABI

extension FeedTranslator {
    /// An event as KubeArmor words it.
    ///
    /// - Parameters:
    ///   - workload: Empty if it is about the host.
    ///   - recent: Of the events before it.
    public func message(of event: Event, _ workload: FeedWorkload, _ recent: inout RecentTexts) -> KubeArmorMessage {
        var message = KubeArmorMessage(.log)
        begin(&message, event.header, time: event.header.time, cpu: event.header.cpu, workload)
        message.type = event.source == .host ? "HostLog" : "ContainerLog"
        message.result = event.outcome
        message.directory = recent.text(.directory, event.directory) { Self.text($0) }
        message.terminal = Self.text(event.terminal)
        let executable = recent.text(.executable, event.executable) { Self.text($0) }, commandLine = recent.text(.arguments, event.arguments, Self.commandLine)
        message.processName = executable.isEmpty ? withUnsafeBytes(of: event.header.comm) { Self.text($0.prefix { $0 != 0 }) } : executable
        message.parentProcessName = recent.text(.parent, event.parentExecutable) { Self.text($0) }
        message.source = commandLine.isEmpty ? message.processName : commandLine
        var data = describe(event, commandLine, &message)
        data.add(.cut, event.cutTexts)
        message.take(data)
        if event.kind == .network, !event.isQuery { message.eventData += CallText.socket(event).parts }
        return message
    }

    /// Operation, resource and what differs of the rest; what is returned becomes Data.
    private func describe(_ event: Event, _ commandLine: String, _ message: inout KubeArmorMessage) -> MessageData {
        switch event.kind {
        case .exec:
            message.operation = "Process"
            // KubeArmor's source of a process is who made it.
            message.source = message.parentProcessName.isEmpty ? message.processName : message.parentProcessName
            message.resource = commandLine.isEmpty ? message.processName : commandLine
            return MessageData(.syscall, "SYS_EXECVE")
        case .execFailed:
            message.operation = "Process"
            message.source = message.processName
            message.parentProcessName = message.processName
            message.processName = Self.text(event.fullPath)
            message.resource = message.processName
            return CallText.data(event)
        case .exit:
            message.operation = "Process"
            message.resource = message.source
            message.source = message.parentProcessName.isEmpty ? message.processName : message.parentProcessName
            var data = MessageData(.tracepoint, "sched_process_exit")
            data.add(.code, event.header.exit_code >> 8 & 0xFF)
            data.add(.signal, event.header.exit_code & 0x7F)
            return data
        case .file:
            message.operation = "File"
            message.resource = Self.text(event.fullPath)
            return CallText.data(event)
        case .network:
            message.operation = "Network"
            message.resource = event.isQuery ? Self.text(event.path) : CallText.socket(event).text
            return CallText.data(event)
        case .systemCall:
            message.operation = "Syscall"
            message.resource = Self.text(event.fullPath)
            return CallText.data(event)
        case .capability:
            message.operation = "Capabilities"
            message.resource = Capability.alertName(UInt8(truncatingIfNeeded: event.header.capability))
            var data = MessageData(.probe, "cap_capable")
            data.add(.capability, message.resource)
            return data
        }
    }
}

extension Event {
    /// Which of the texts are not whole, or could not be read, by the names of the fields that they are in.
    fileprivate var cutTexts: String {
        guard UInt32(header.flags) & Self.cutFlags.reduce(0, { $0 | $1.flags }) != 0 else { return "" }
        return Self.cutFlags.filter { UInt32(header.flags) & $0.flags != 0 }.map { kind == .exec || kind == .exit ? $0.ofProcess : kind == .execFailed ? $0.ofFailure : $0.name }
            .filter { !$0.isEmpty }.joined(separator: ",")
    }

    /// Where a text stands; of execs and ends of processes, and of execs that failed, some stand elsewhere or nowhere.
    private static let cutFlags: [(flags: UInt32, name: String, ofProcess: String, ofFailure: String)] = [
        (PC_EVENT_EXECUTABLE_CUT.rawValue, "ProcessName", "ProcessName", "ParentProcessName"), (PC_EVENT_PARENT_CUT.rawValue, "ParentProcessName", "ParentProcessName", ""),
        (PC_EVENT_ARGUMENTS_CUT.rawValue | PC_EVENT_ARGUMENTS_UNREADABLE.rawValue, "Source", "Resource", ""), (PC_EVENT_DIRECTORY_CUT.rawValue, "Cwd", "Cwd", "Cwd"),
        (PC_EVENT_PATH_CUT.rawValue | PC_EVENT_PATH_UNREADABLE.rawValue, "Resource", "", "Resource"), (PC_EVENT_OTHER_PATH_CUT.rawValue, "Data", "", ""),
    ]
}
