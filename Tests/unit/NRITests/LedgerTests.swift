import HookWire
import Testing

@testable import NRI

/// What the plugin keeps, when it asks anew, and what it lets through.
@Suite struct Keeping {
    static func message(_ id: String) -> HookMessage { HookMessage(operation: .add, containerID: Array(id.utf8)) }

    @Test func theLedgerHasABound() {
        var ledger = Ledger()
        for number in 0..<(Ledger.limit + 3) { ledger.insert(Self.message("c\(number)")) }
        #expect(ledger.count == Ledger.limit && ledger.dropped == 3)
        ledger.insert(Self.message("c0"))
        #expect(ledger.dropped == 3, "what is there already may change")
        ledger.remove("c1")
        ledger.insert(Self.message("another"))
        #expect(ledger.contains("another") && !ledger.contains("c1"))
        #expect(ledger.renew { message in
            message.hasStarted = true
            return String(decoding: message.containerID, as: UTF8.self) == "another"
        } == Ledger.limit - 1)
        #expect(ledger.all.map(\.containerID) == [Array("another".utf8)] && ledger.all[0].hasStarted)
    }

    @Test func theBackoffGrowsToItsBound() {
        var backoff = Backoff(first: 100, last: 350)
        #expect([backoff.delay(), backoff.delay(), backoff.delay(), backoff.delay()] == [100, 200, 350, 350])
        backoff.reset()
        #expect(backoff.delay() == 100)
    }

    // MARK: Silence

    private static let second: UInt64 = 1_000_000_000

    @Test func whatIsToldInTimeIsNoSilence() {
        var watch = SilenceWatch()
        watch.appeared("a", now: 0)
        #expect(watch.deadline == SilenceWatch.patience)
        watch.settled("a")
        #expect(watch.deadline == nil)
        #expect(!watch.isSilent(now: 100 * Self.second) { _ in true })
    }

    @Test func whatStaysUntoldIsAskedFor() {
        var watch = SilenceWatch()
        watch.appeared("a", now: 0)
        #expect(!watch.isSilent(now: SilenceWatch.patience - 1) { _ in true })
        #expect(watch.isSilent(now: SilenceWatch.patience) { $0 == "a" })
        #expect(watch.synchronized { $0 == "a" })
        // It had kept something back: the next time is no later than the first.
        watch.appeared("b", now: 10 * Self.second)
        #expect(watch.isSilent(now: 13 * Self.second) { _ in true })
    }

    @Test func whatIsGoneIsNotAskedFor() {
        var watch = SilenceWatch()
        watch.appeared("a", now: 0)
        #expect(!watch.isSilent(now: 100 * Self.second) { _ in false })
        #expect(watch.deadline == nil)
    }

    @Test func otherPeoplesContainersAreAskedForLessAndLess() {
        var watch = SilenceWatch(), asked: [UInt64] = []
        for time in 0..<UInt64(3600) {
            watch.appeared("ctr-\(time)", now: time * Self.second)
            if watch.isSilent(now: time * Self.second, exists: { _ in true }) {
                asked.append(time)
                #expect(!watch.synchronized { _ in false })
            }
        }
        #expect(asked.count < 15, "\(asked)")
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 >= 10 })
    }

    @Test func onlySoManyAreWaitedFor() {
        var watch = SilenceWatch()
        for number in 0..<(SilenceWatch.limit + 5) { watch.appeared("c\(number)", now: UInt64(number)) }
        var asked: Set<String> = []
        _ = watch.isSilent(now: 100 * Self.second) { asked.insert($0).inserted }
        #expect(asked.count == SilenceWatch.limit)
    }

    // MARK: The failure policy

    static let policies: [(String, [String: Bool])] = [
        (#"{}"#, ["": false, "a": false]), (#"{"on-failure": "deny"}"#, ["": true, "a": true]),
        (#"{"on-failure": "deny", "allow-namespace": ["a"]}"#, ["": true, "a": false, "b": true]),
        (#"{"on-failure": "allow", "deny-namespace": ["a"], "timeout": "2s"}"#, ["a": true, "b": false]),
        (#"{"on-failure": "deny", "allow-namespace": ["a"], "deny-namespace": ["a"]}"#, ["a": true]),
    ]

    @Test(arguments: policies) func theHooksFileDecides(_ text: String, _ denied: [String: Bool]) throws {
        let policy = try FailurePolicy(json: Array(text.utf8))
        for (namespace, denies) in denied { #expect(policy.denies(namespace) == denies, "\(namespace) in \(text)") }
    }

    @Test(arguments: ["", "[]", #"{"on-failure": 1}"#, #"{"on-failure": "Deny"}"#, #"{"on-failure": "deny", "namespace": "a"}"#, #"{"deny-namespace": "a"}"#, #"{"on-failure": "deny"} x"#]) func aWrongFileIsAnError(_ text: String) {
        #expect(throws: (any Error).self) { try FailurePolicy(json: Array(text.utf8)) }
    }

    // MARK: The hook

    @Test func theHookIsGivenOnce() {
        let hook = GivenHook(path: "/h")
        #expect(hook.isNeeded(besides: []) && hook.isNeeded(besides: ["/other"]) && !hook.isNeeded(besides: ["/other", "/h"]))
        #expect(!GivenHook(path: "").isNeeded(besides: []))
        #expect(hook.arguments == ["portcullis-hook"])
        #expect(GivenHook(path: "/h", settings: "/etc/portcullis/hook.json").arguments == ["portcullis-hook"], "it looks there by itself")
        #expect(GivenHook(path: "/h", settings: "/srv/hook.json").arguments == ["portcullis-hook", "--config", "/srv/hook.json"])
    }
}
