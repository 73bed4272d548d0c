import CABI

extension FeedTranslator {
    /// An event as KubeArmor words it.
    ///
    /// - Parameter workload: Empty if it is about the host.
    public func message(of event: ProcessEvent, _ workload: FeedWorkload) -> KubeArmorMessage {
        let header = event.header
        var message = begin(.log, header, time: header.time, cpu: 0, workload)
        message.type = event.source == .host ? "HostLog" : "ContainerLog"
        message.result = "Passed"
        message.operation = "Process"
        let executable = Self.text(event.executable), commandLine = Self.commandLine(event.arguments)
        message.processName = executable
        message.resource = commandLine.isEmpty ? executable : commandLine
        switch event.kind {
        case .exec: message.data = "syscall=SYS_EXECVE"
        case .exit: message.data = "tracepoint=sched_process_exit code=\(header.exit_code >> 8 & 0xFF) signal=\(header.exit_code & 0x7F)"
        }
        message.takeEventData(message.data)
        return message
    }
}
