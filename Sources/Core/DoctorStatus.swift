/// What the daemon's own status says about whether all is well.
extension DoctorReport {
    /// - Parameters:
    ///   - status: What `portcullis status --json` prints.
    ///   - version: This program's.
    public mutating func addStatus(_ status: JSONDocument, version: String) {
        let running = status["version"].text ?? ""
        if running == version {
            ok("daemon", "portcullisd \(running) answers")
        } else {
            warn("daemon", "portcullisd is \(running), and this program \(version)", "restart the daemon: what is in the kernel goes on meanwhile")
        }
        let configuration = status["configuration"]
        if let problem = configuration["problem"].text, !problem.isEmpty {
            fail("configuration", problem, "the old one is in force: mend the file, then reload the daemon (SIGHUP)")
        } else {
            ok("configuration", configuration["file"].text ?? "")
        }
        let gone = status["kernel"]["missingPins"].elements.compactMap(\.text)
        if gone.isEmpty {
            ok("pins", status["kernel"]["pins"].text ?? "")
        } else {
            fail("pins", "gone: \(gone.joined(separator: " "))", "these programs are not in force any more: restart the daemon, and find out who removed them")
        }
        addEnforcement(status["enforcement"])
        addReplay(status["replay"])
        addCounters(status["counters"])
    }

    private mutating func addEnforcement(_ state: JSONDocument) {
        let policies = state["policies"].number ?? 0
        if state["active"].isTrue == true {
            let missing = state["missing"].elements.compactMap(\.text)
            if missing.isEmpty {
                ok("enforcement", state["reduced"].isTrue == true ? "in force, with the reduced variant: shorter paths" : "in force")
            } else {
                warn("enforcement", "in force without \(missing.joined(separator: " "))", "portcullis probe says what this kernel lacks")
            }
        } else {
            // A machine that is meant to observe only has no policies.
            add(Finding(policies > 0 ? .fail : .warn, "enforcement", "only observing: \(state["reason"].text ?? "")", advice: "portcullis probe says what to do"))
        }
        for pause in state["pauses"].elements {
            warn("pause", "\(pause["scope"].text ?? "") is paused until \(pause["until"].text ?? "")", "portcullis resume ends it")
        }
        let protection = state["selfProtection"]
        if protection["on"].isTrue != true {
            warn("self-protection", "off: \(protection["reason"].text ?? "")", "docs/security.md, Self-protection")
        } else if protection["unlocked"].isTrue == true {
            warn("self-protection", "unlocked for a while", "it locks by itself (portcullis unlock --help)")
        } else {
            ok("self-protection", "on")
        }
        addPolicies(state, count: policies)
    }

    private mutating func addPolicies(_ state: JSONDocument, count: UInt64) {
        let problems = state["problems"].elements.compactMap(\.text), older = state["containersWithOlderPolicies"].elements.compactMap(\.text)
        let leftOut = state["policyFilesLeftOut"].number ?? 0
        if let first = problems.first {
            warn("policies", "\(problems.count) wrong: \(first)", "what was in force before stays so: mend them (portcullis policy validate FILE)")
        }
        if let first = older.first { warn("policies", "\(older.count) containers keep older ones: \(first)", "docs/operations.md, Log lines worth knowing") }
        if leftOut > 0 { warn("policies", "\(leftOut) files are not read", "docs/operations.md, Bounds") }
        guard problems.isEmpty, older.isEmpty, leftOut == 0 else { return }
        if count == 0 {
            warn("policies", "none: nothing is denied", "portcullis policy apply FILE; docs/policies.md")
        } else {
            ok("policies", "\(count) in force")
        }
    }

    private mutating func addReplay(_ replay: JSONDocument) {
        let state = replay["state"].text ?? ""
        if state == "failed" {
            warn("replay", replay["failure"].text ?? "", "containers from before the daemon may be unknown: portcullis replay --dry-run says what it finds")
        } else if let first = replay["problems"].elements.first?.text {
            warn("replay", "\(replay["problems"].elements.count) files could not be read: \(first)", "containers from before the daemon may be unknown: portcullis replay --dry-run says what it finds")
        } else {
            ok("replay", state)
        }
    }

    /// Counters that mean trouble when they are not 0, and what they are about (docs/operations.md says more of each).
    public static let troubles: [(counter: String, meaning: String)] = [
        ("hookPeersRefused", "peers were turned away from the hook socket"), ("hookPeersEvicted", "hooks' connections were closed to make room"),
        ("hookFramesMalformed", "hooks sent what is no message"), ("hookFramesTooLong", "hooks sent messages that are too long"),
        ("hookFramesCut", "hooks' messages ended in the middle"), ("hookOutOfDescriptors", "the daemon had no descriptor left for a hook"),
        ("controlOutOfDescriptors", "the daemon had no descriptor left for a client"), ("controlClientsRefused", "clients were turned away"),
        ("hookLetThrough", "containers run unregistered"), ("hookLetThroughByNamespace", "containers of excepted namespaces run unregistered"),
        ("hookDenied", "containers could not be registered and were denied"), ("refusedHost", "containers with the host's namespaces were refused"),
        ("refusedShared", "containers with another one's namespaces were refused"), ("refusedFull", "containers found no place: raise capacity"),
        ("refusedKernel", "the kernel refused containers"), ("spoolInvalid", "files in the spool were no messages"),
        ("spoolLeft", "messages were left in the spool"), ("namesUnread", "names of podman's or Docker's could not be read"), ("workloadLabelsUnread", "labels of podman's or Docker's could not be read"),
        ("labelsFailed", "labels could not be kept"), ("guardFull", "maps and programs are not guarded"),
        ("alertsLost", "alerts were lost"), ("eventsLost", "events were lost: raise event-buffer-kib"), ("eventsMissed", "events were never made"),
        ("recordsDropped", "the feed was too slow"), ("logLinesLost", "log lines were lost"),
    ]

    private mutating func addCounters(_ counters: JSONDocument) {
        let found = Self.troubles.compactMap { trouble in counters[trouble.counter].number.flatMap { $0 > 0 ? (trouble, $0) : nil } }
        for (trouble, count) in found { warn("counters", "\(trouble.counter) \(count): \(trouble.meaning)", "since the daemon started, or its pins were made: docs/operations.md, portcullis status") }
        if found.isEmpty { ok("counters", "none that means trouble") }
    }
}
