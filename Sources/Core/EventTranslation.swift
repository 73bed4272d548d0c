import CABI

extension FeedTranslator {
    /// An event as KubeArmor words it.
    ///
    /// - Parameter workload: Empty if it is about the host.
    public func message(of event: Event, _ workload: FeedWorkload) -> KubeArmorMessage {
        var message = begin(.log, event.header, time: event.header.time, cpu: event.header.cpu, workload)
        message.type = event.source == .host ? "HostLog" : "ContainerLog"
        message.result = event.outcome
        message.directory = Self.text(event.directory)
        message.terminal = Self.text(event.terminal)
        let executable = Self.text(event.executable), commandLine = Self.commandLine(event.arguments)
        message.processName = executable.isEmpty ? Self.text(withUnsafeBytes(of: event.header.comm) { Array($0.prefix { $0 != 0 }) }) : executable
        message.parentProcessName = Self.text(event.parentExecutable)
        message.source = commandLine.isEmpty ? message.processName : commandLine
        describe(event, commandLine, &message)
        message.takeEventData(message.data)
        if event.kind == .network { message.takeEventData(message.resource) }
        return message
    }

    private func describe(_ event: Event, _ commandLine: String, _ message: inout KubeArmorMessage) {
        switch event.kind {
        case .exec:
            message.operation = "Process"
            // KubeArmor's source of a process is who made it.
            message.source = message.parentProcessName.isEmpty ? message.processName : message.parentProcessName
            message.resource = commandLine.isEmpty ? message.processName : commandLine
            message.data = "syscall=SYS_EXECVE"
        case .execFailed:
            message.operation = "Process"
            message.source = message.processName
            message.parentProcessName = message.processName
            message.processName = Self.text(event.fullPath)
            message.resource = message.processName
            message.data = CallText.data(event)
        case .exit:
            message.operation = "Process"
            message.resource = message.source
            message.source = message.parentProcessName.isEmpty ? message.processName : message.parentProcessName
            message.data = "tracepoint=sched_process_exit code=\(event.header.exit_code >> 8 & 0xFF) signal=\(event.header.exit_code & 0x7F)"
        case .file:
            message.operation = "File"
            message.resource = Self.text(event.fullPath)
            message.data = CallText.data(event)
        case .network:
            message.operation = "Network"
            message.resource = CallText.socket(event)
            message.data = CallText.data(event)
        case .systemCall:
            message.operation = "Syscall"
            message.resource = Self.text(event.fullPath)
            message.data = CallText.data(event)
        case .capability:
            message.operation = "Capabilities"
            message.resource = Capability.alertName(UInt8(truncatingIfNeeded: event.header.capability))
            message.data = "probe=cap_capable capability=\(message.resource)"
        }
    }
}
