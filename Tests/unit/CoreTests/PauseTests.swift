import Core
import Testing

/// Pauses of enforcement: what is asked for, what is in force, what ends.
@Suite struct PauseTests {
    @Test(arguments: [
        PauseRequest(scope: .everything, seconds: 600), PauseRequest(scope: .namespace("shop"), seconds: 0), PauseRequest(scope: .container("c 1"), seconds: Pause.longest),
    ]) func roundTrip(_ request: PauseRequest) throws {
        #expect(try PauseRequest(text: request.text) == request)
    }

    @Test(arguments: ["", "x", "-1", "86401", "10 pod x", "10 namespace", "10 namespace ", "10 container", " 10", "99999999999999999999"])
    func whatIsNoRequestIsRefused(_ text: String) {
        #expect(throws: PortcullisError.self) { try PauseRequest(text: text) }
    }

    @Test func theLongestPauseOfWhatContainsAContainerCounts() throws {
        var ledger = PauseLedger()
        try ledger.begin(Pause(scope: .namespace("shop"), until: 50))
        try ledger.begin(Pause(scope: .container("c1"), until: 90))
        #expect(ledger.until(id: "c12", namespace: "shop") == 90)
        #expect(ledger.until(id: "c2", namespace: "shop") == 50)
        #expect(ledger.until(id: "c2", namespace: "lab") == 0 && ledger.hostUntil == 0)
        try ledger.begin(Pause(scope: .everything, until: 70))
        #expect(ledger.until(id: "c2", namespace: "lab") == 70 && ledger.hostUntil == 70 && ledger.next == 50)
    }

    @Test func oneOfAScopeReplacesTheOther() throws {
        var ledger = PauseLedger()
        try ledger.begin(Pause(scope: .everything, until: 90))
        try ledger.begin(Pause(scope: .everything, until: 20))
        #expect(ledger.all == [Pause(scope: .everything, until: 20)])
    }

    @Test func theyEndByTimeAndByOrder() throws {
        var ledger = PauseLedger()
        for (name, until) in [("a", UInt64(10)), ("b", 20), ("c", 30)] { try ledger.begin(Pause(scope: .namespace(name), until: until)) }
        let expired = ledger.expire(now: 10)
        #expect(expired.map(\.scope) == [.namespace("a")])
        let none = ledger.end(.namespace("a"))
        #expect(none.isEmpty)
        let all = ledger.end(.everything)
        #expect(all.count == 2 && ledger.next == nil)
    }

    @Test func atTheBoundOneMoreIsRefused() throws {
        var ledger = PauseLedger()
        for number in 0..<PauseLedger.limit { try ledger.begin(Pause(scope: .container("\(number)"), until: 1)) }
        #expect { try ledger.begin(Pause(scope: .container("one more"), until: 1)) } throws: { ($0 as? PortcullisError)?.code == .full }
        try ledger.begin(Pause(scope: .container("0"), until: 2))
    }
}
