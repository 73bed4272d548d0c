import CABI

extension FeedTranslator {
    /// An alert as KubeArmor words it.
    ///
    /// - Parameter workload: Empty if it is about the host.
    public func message(of alert: Alert, _ rule: FeedRule, _ workload: FeedWorkload) -> KubeArmorMessage {
        var message = KubeArmorMessage(.alert)
        begin(&message, alert.header, time: alert.header.time, cpu: alert.cpu, workload)
        let isDenied = alert.isDenied, isEnforced = !rule.isObserved && !alert.isPaused
        message.type = alert.isOfHost ? "MatchedHostPolicy" : "MatchedPolicy"
        // Where a reason of its own decided no policy did; KubeArmor's clients look for a name.
        message.policyName = rule.policy.isEmpty ? Alert.posturePolicy : rule.policy
        message.severity = rule.severity
        message.tags = rule.tags
        message.message = rule.message.isEmpty ? alert.reason : rule.message
        message.action = isDenied ? isEnforced ? "Block" : "Audit (Block)" : "Audit"
        message.result = alert.section == .syscalls ? alert.outcome : isDenied && isEnforced ? alert.refusal : "Passed"
        message.enforcer = enforcer(alert, rule)
        message.directory = Self.text(alert.directory)
        message.terminal = Self.text(alert.terminal)
        let executable = Self.text(alert.executable), parent = Self.text(alert.parentExecutable), commandLine = Self.commandLine(alert.arguments[...])
        message.processName = executable
        message.parentProcessName = parent
        message.source = commandLine.isEmpty ? executable : commandLine
        var data = describe(alert, isObserved: rule.isObserved, commandLine, &message)
        data.add(.cut, alert.cutTexts)
        message.take(data)
        return message
    }

    /// Who says so: an Audit rule is KubeArmor's monitor's, everything else the enforcer's.
    private func enforcer(_ alert: Alert, _ rule: FeedRule) -> String {
        if !rule.presetEnforcer.isEmpty { return rule.presetEnforcer }
        let isAudit = !alert.isDenied && alert.ruleNumber != PC_RULE_NONE.magnitude
        return rule.isObserved || isAudit || alert.section == .syscalls ? "eBPF Monitor" : "BPFLSM"
    }

    /// Operation, resource and what differs of the rest; what is returned becomes Data.
    private func describe(_ alert: Alert, isObserved observed: Bool, _ commandLine: String, _ message: inout KubeArmorMessage) -> MessageData {
        let path = Self.text(alert.path), hook = alert.hookName
        var data = MessageData(.lsm, hook)
        switch alert.section {
        case .process:
            // What acts is the program that executes another; what is executed has the alert's name already.
            message.operation = "Process"
            // An event that was judged afterwards has the new program there already.
            message.parentProcessName = message.processName.isEmpty || observed ? message.parentProcessName : message.processName
            message.source = message.parentProcessName
            message.processName = path
            message.resource = commandLine.isEmpty ? path : commandLine
        case .file:
            message.operation = "File"
            message.resource = path
            data.add(.flags, alert.header.write != 0 ? "O_WRONLY" : hook == "FILE_OPEN" ? "O_RDONLY" : "")
        case .presets:
            message.operation = alert.operation == "exec" ? "Process" : "File"
            message.resource = path
        case .network:
            message.operation = "Network"
            let socket = alert.socketData
            message.resource = socket.text
            data.add(socket)
        case .dns:
            message.operation = "Network"
            message.resource = String(decoding: alert.path.dropFirst(), as: UTF8.self)
            data.add(.domain, message.resource)
        case .capabilities:
            message.operation = "Capabilities"
            message.resource = alert.resource ?? ""
            data.add(word: message.resource)
        case .syscalls:
            message.operation = "Syscall"
            message.resource = path
            return MessageData(.syscall, SystemCall.feedName(alert.header.syscall))
        }
        return data
    }
}

extension Alert {
    /// The LSM hook that asked, as KubeArmor spells those it has.
    var hookName: String {
        switch UInt32(header.operation) {
        case PC_OPERATION_EXEC.rawValue: "SECURITY_BPRM_CHECK"
        case PC_OPERATION_OPEN.rawValue: "FILE_OPEN"
        case PC_OPERATION_WRITE.rawValue: "FILE_PERMISSION"
        case PC_OPERATION_MAP_EXECUTABLE.rawValue, PC_OPERATION_MAP_WRITABLE.rawValue, PC_OPERATION_MAP_ANONYMOUS.rawValue: "MMAP_FILE"
        case PC_OPERATION_RECEIVE.rawValue: "FILE_RECEIVE"
        case PC_OPERATION_MOUNT.rawValue: "SB_MOUNT"
        case PC_OPERATION_UNMOUNT.rawValue: "SB_UMOUNT"
        case PC_OPERATION_PIVOT_ROOT.rawValue: "SB_PIVOTROOT"
        case PC_OPERATION_SOCKET.rawValue: "SOCKET_CREATE"
        case PC_OPERATION_CONNECT.rawValue, PC_OPERATION_BIND.rawValue, PC_OPERATION_LISTEN.rawValue, PC_OPERATION_ACCEPT.rawValue: "SOCKET_\(operation.uppercased())"
        case PC_OPERATION_DNS.rawValue: "SOCKET_SENDMSG"
        case PC_OPERATION_CAPABILITY.rawValue: "CAPABLE"
        default: "PATH_\(operation.uppercased())"
        }
    }
}

extension Alert {
    /// Which of the texts are not whole, or could not be read, by the names of the fields that they are in.
    fileprivate var cutTexts: String {
        let flags = UInt32(header.flags)
        var names: [String] = []
        if flags & (PC_ALERT_ARGUMENTS_CUT.rawValue | PC_ALERT_ARGUMENTS_UNREADABLE.rawValue) != 0 { names.append(section == .process ? "Resource" : "Source") }
        if flags & PC_ALERT_DIRECTORY_CUT.rawValue != 0 { names.append("Cwd") }
        return names.joined(separator: ",")
    }
}

extension Preset {
    /// KubeArmor's name of what enforces it.
    var enforcer: String {
        switch self {
        case .filelessExec: "PRESET-FilelessExecutionPreset"
        case .anonymousMapExec: "PRESET-AnonMapExecutionPreset"
        case .protectEnv: "PRESET-ProtectEnvPreset"
        case .protectProc: "PRESET-ProtectProcPreset"
        case .exec: "PRESET-ExecPreset"
        }
    }
}
