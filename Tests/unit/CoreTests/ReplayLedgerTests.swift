import Core
import HookWire
import Testing

/// Removes that wait for the first scan, and those that do not.
@Suite struct ReplayLedgerTests {
    private func found(_ id: String, _ sources: ReplaySources) -> HookMessage {
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.sources = sources.rawValue
        return message
    }

    @Test func unknownRemovesWaitUntilTheFirstScanHasEnded() {
        var ledger = ReplayLedger(isExpected: true)
        #expect(ledger.hold(Array("a".utf8), peer: 1, isKnown: false) == true)
        ledger.begin()
        #expect(ledger.hold(Array("b".utf8), peer: nil, isKnown: false) == true)
        #expect(ledger.hold(Array("c".utf8), peer: 2, isKnown: true) == false, "what is known needs no scan")
        let released = ledger.end(problems: [])
        #expect(released.map { String(decoding: $0.id, as: UTF8.self) } == ["a", "b"])
        #expect(ledger.state == .done && ledger.waitingCount == 0 && ledger.held == 2)
        ledger.begin()
        #expect(ledger.hold(Array("d".utf8), peer: 3, isKnown: false) == false, "a second scan holds nobody up")
        #expect(ledger.end(problems: []) == [])
        #expect(ledger.scans == 2)
    }

    @Test(arguments: [false, true]) func aScanThatFailsLetsThemGo(_ hasBegun: Bool) {
        var ledger = ReplayLedger(isExpected: true)
        if hasBegun { ledger.begin() }
        _ = ledger.hold(Array("a".utf8), peer: 1, isKnown: false)
        let released = ledger.fail("it broke")
        #expect(released.count == 1)
        #expect(ledger.state == .failed && ledger.failure == "it broke")
        #expect(ledger.hold(Array("b".utf8), peer: 1, isKnown: false) == false)
        // Whoever comes later, comes.
        ledger.begin()
        #expect(ledger.state == .scanning)
        _ = ledger.end(problems: ["/x: no such file"])
        #expect(ledger.state == .done && ledger.problems == ["/x: no such file"])
    }

    @Test func aSecondScanThatFailsLeavesWhatTheFirstOneFound() {
        var ledger = ReplayLedger(isExpected: true)
        ledger.begin()
        _ = ledger.end(problems: [])
        ledger.begin()
        #expect(ledger.fail("closed") == [])
        #expect(ledger.state == .done && ledger.failure == "closed")
        #expect(ledger.fail("again") == [])
        #expect(ledger.failure == "closed", "nothing is under way any more")
    }

    @Test func withoutAScanNobodyWaits() {
        var ledger = ReplayLedger(isExpected: false)
        #expect(ledger.hold(Array("a".utf8), peer: 1, isKnown: false) == false)
        #expect(ledger.state == .off)
    }

    @Test func atItsBoundItHoldsNoMore() {
        var ledger = ReplayLedger(isExpected: true)
        for number in 0..<ReplayLedger.waitingLimit { #expect(ledger.hold(Array("\(number)".utf8), peer: nil, isKnown: false) == true) }
        #expect(ledger.hold(Array("one more".utf8), peer: nil, isKnown: false) == false)
        #expect(ledger.notHeld == 1)
    }

    @Test func countsEachPlaceOfAContainerOnce() {
        var ledger = ReplayLedger(isExpected: true)
        ledger.begin()
        ledger.note(found("a", [.runc, .containerd]), .registered, isNew: true)
        ledger.note(found("b", .runc), .registered, isNew: false)
        ledger.note(found("c", .cgroup), .processGone, isNew: false)
        _ = ledger.end(problems: [])
        ledger.begin()
        ledger.note(found("a", [.runc, .containerd]), .registered, isNew: false)
        #expect(ledger.bySource == [.runc: 2, .containerd: 1, .cgroup: 1])
        #expect(ledger.registered == 1 && ledger.repeated == 2 && ledger.refused == 1)
    }
}

/// What a scan says of a process against what others say.
@Suite struct ReplayFindingsTests {
    private func finding(_ weight: ReplayFinding.Weight, _ id: String, _ sources: ReplaySources, pid: UInt32 = 10, bundle: String = "", start: UInt64 = 5) -> ReplayFinding {
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.pid = pid
        message.startTime = start
        message.bundle = Array(bundle.utf8)
        message.sources = sources.rawValue
        return ReplayFinding(weight: weight, message: message)
    }

    @Test(arguments: [false, true]) func theWeightierWordCountsInWhicheverOrder(_ weakFirst: Bool) {
        var findings = ReplayFindings()
        let both = [finding(.cgroup, "guess", .cgroup), finding(.state, "real", .runc, bundle: "/b")]
        for one in weakFirst ? both : both.reversed() { findings.insert(one) }
        #expect(findings.all.count == 1)
        #expect(findings.all.first?.message.containerID == Array("real".utf8))
        #expect(findings.all.first.map { ReplaySources(rawValue: $0.message.sources) } == [.runc, .cgroup])
    }

    @Test func whatOnlyTheWeakerOneSaysOfTheSameContainerIsKept() {
        var findings = ReplayFindings()
        findings.insert(finding(.state, "a", .runc))
        findings.insert(finding(.file, "a", .containerd, bundle: "/run/b"))
        #expect(findings.all.first?.message.bundle == Array("/run/b".utf8))
        findings.insert(finding(.file, "other", .conmon, bundle: "/elsewhere"))
        #expect(findings.all.first?.message.bundle == Array("/run/b".utf8))
    }

    @Test func outerContainersComeFirst() {
        var findings = ReplayFindings()
        findings.insert(finding(.state, "inner", .runc, pid: 3, start: 90))
        findings.insert(finding(.state, "outer", .runc, pid: 900, start: 10))
        #expect(findings.all.map { String(decoding: $0.message.containerID, as: UTF8.self) } == ["outer", "inner"])
        #expect(findings.contains(3) && findings.contains(id: Array("outer".utf8)) && !findings.contains(id: Array("x".utf8)))
    }
}
