import ArgumentParser
import Client
import Core
import FoundationEssentials

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon, its kernel side and all counters.",
        discussion: "Examples:\n  portcullis status\n  portcullis status --json | jq .counters.alertsLost")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .status)
            guard let item = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no status") }
            if connection.json { return Output.line(item) }
            show(try JSONDecoder().decode(StatusSummary.self, from: Data(item)))
        }
    }

    private func show(_ status: StatusSummary) {
        let kernel = status.kernel
        var table = Table(["portcullisd", "\(status.version) (ABI \(status.abi))"])
        table.add(["uptime", Duration.text(seconds: status.uptimeSeconds)])
        for (name, value) in enforcement(status) { table.add([name, value]) }
        table.add(["kernel", kernel.release])
        table.add(["BPF-LSM", kernel.bpfLSM])
        table.add(["labels in", kernel.labels])
        table.add(["inherited by", kernel.fork])
        table.add(["programs", kernel.programs.joined(separator: " ")])
        table.add(["pinned in", kernel.pins + (kernel.adopted ? " (taken over from an earlier daemon)" : "")])
        if !kernel.missingPins.isEmpty { table.add(["PINS GONE", kernel.missingPins.joined(separator: " ") + ": not in force any more, restart the daemon"]) }
        table.add(["host namespaces", kernel.hostNamespaces])
        table.add(["containers", "\(status.maps.containers) of \(status.maps.capacity), \(status.maps.identities) keys"])
        table.add(["replay", replay(status.replay)])
        // Where nothing is enforced the sets are the daemon's own.
        let sets = status.enforcement.active ? ", \(Self.size(status.enforcement.setBytes)) in policy sets" : ""
        table.add(["kernel memory", "\(Self.size(status.maps.bytes)) in maps" + sets])
        let problem = status.configuration["problem"] ?? ""
        table.add(["configuration", problem.isEmpty ? status.configuration["file"] ?? "" : "\(problem) (the old one is in force)"])
        table.print()
        list("Problems: what was in force before stays so", status.enforcement.problems)
        list("Warnings", status.enforcement.warnings)
        list("Replay could not read", status.replay.problems)
        list("Containers that keep older policies", status.enforcement.containersWithOlderPolicies)
        Output.line("")
        // A counter at zero says nothing; those that are not tell what happened.
        for counter in status.counters.values where counter.value > 0 { Output.line("  \(counter.name) \(counter.value)") }
    }

    private func replay(_ replay: StatusSummary.Replay) -> String {
        let counts = "\(replay.registered) registered, \(replay.known) known already, \(replay.refused) refused"
        let places = replay.bySource.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return replay.state + (replay.failure.isEmpty ? "" : " (\(replay.failure))") + ": " + counts + (places.isEmpty ? "" : "; found by " + places)
    }

    private func enforcement(_ status: StatusSummary) -> [(String, String)] {
        let state = status.enforcement
        var rows: [(String, String)] = []
        if state.active {
            rows.append(("enforcing", state.reduced ? "yes, with the reduced variant: shorter paths" : "yes"))
            rows.append(("hooks", (state.hooks + state.hooksOnDemand).joined(separator: " ")))
            if !state.missing.isEmpty { rows.append(("missing hooks", state.missing.joined(separator: " "))) }
        } else {
            rows.append(("enforcing", "NO, only observing: \(state.reason) (portcullis probe says more)"))
        }
        if state.formerVersion != 0 { rows.append(("also enforcing", "what ABI \(state.formerVersion) has left: \(state.formerVersionStays)")) }
        for pause in state.pauses { rows.append(("PAUSED", "\(pause.scope), until \(pause.until)")) }
        let protection = state.selfProtection
        rows.append(("self-protection", !protection.on ? "off: \(protection.reason)" : protection.unlocked ? "UNLOCKED" : "on"))
        rows.append(("policies", "\(state.policies) in \(state.sets) sets; what no rule allows: \(state.posture) files, \(state.networkPosture) network, \(state.capabilitiesPosture) capabilities"))
        if !state.host.policies.isEmpty { rows.append(("host policies", state.host.policies.joined(separator: " "))) }
        if state.policyFilesLeftOut > 0 { rows.append(("policy files", "\(state.policyFilesLeftOut) are beyond the limit and not read")) }
        let sent = status.counters["alertsSent"], lost = status.counters["alertsLost"], observed = status.counters["alertsObserved"]
        rows.append(("alerts", state.active ? "\(sent) sent, \(lost) lost" : "\(observed) about what would have been denied or reported"))
        return rows
    }

    private func list(_ title: String, _ lines: [String]) {
        guard !lines.isEmpty else { return }
        Output.line("\n\(title):")
        for line in lines { Output.line("  " + Output.clean(line)) }
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 10 << 20 ? "\((bytes + 1023) >> 10) KiB" : "\((bytes + (1 << 19)) >> 20) MiB"
    }
}

/// Spans of time for people.
enum Duration {
    static func text(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m\(seconds % 60)s"
        case ..<86_400: "\(seconds / 3600)h\(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        }
    }
}
