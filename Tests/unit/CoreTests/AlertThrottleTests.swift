import Testing

@testable import Core

@Suite struct AlertThrottleTests {
    private let second: UInt64 = 1_000_000_000

    private func alert(_ container: String) -> KubeArmorMessage {
        var alert = MessageSamples.alert("File", "/a")
        alert.workload.containerID = container
        return alert
    }

    @Test func withoutALimitAllPass() {
        var throttle = AlertThrottle(limit: 0, seconds: 30)
        for time in 0..<100 { #expect(throttle.decide(alert("a"), at: UInt64(time)) == .passes) }
        #expect(throttle.nextEnd == nil)
    }

    @Test func aFloodFallsSilentAndIsCounted() {
        var throttle = AlertThrottle(limit: 2, seconds: 10)
        #expect((0..<5).map { throttle.decide(alert("a"), at: UInt64($0)) } == [.passes, .passes, .begins, .held, .held])
        // Another container is another matter.
        #expect(throttle.decide(alert("b"), at: 4) == .passes)
        #expect(throttle.decide(alert("a"), at: 9 * second) == .held)
        #expect(throttle.next(by: 10 * second + 1) == nil && throttle.nextEnd == 10 * second + 2)
        let silence = throttle.next(by: 11 * second)
        #expect(silence?.held == 4 && silence?.workload.containerID == "a" && silence?.end == 10 * second + 2)
        #expect(throttle.next(by: .max) == nil && throttle.nextEnd == nil)
        #expect((0..<3).map { throttle.decide(alert("a"), at: 11 * second + $0) } == [.passes, .passes, .begins])
    }

    @Test func theSecondIsCountedFromTheFirst() {
        var throttle = AlertThrottle(limit: 2, seconds: 10)
        let times: [UInt64] = [0, second - 1, second, second + 1]
        #expect(times.map { throttle.decide(alert("a"), at: $0) } == [.passes, .passes, .passes, .passes])
        #expect(throttle.decide(alert("a"), at: second + 2) == .begins)
    }

    @Test func neverMoreAreRememberedThanThereIsRoomFor() {
        var throttle = AlertThrottle(limit: 1, seconds: 10)
        for number in 0..<(AlertThrottle.capacity + 10) { #expect(throttle.decide(alert("\(number)"), at: UInt64(number)) == .passes) }
        // A second later all of them are forgotten, and counting begins anew.
        #expect(throttle.decide(alert("new"), at: 2 * second) == .passes)
        #expect(throttle.decide(alert("new"), at: 2 * second + 1) == .begins)
    }

    /// Where no silence can begin any more, nothing is held back that nobody would tell of.
    @Test func neverMoreAreSilentThanThereIsRoomFor() {
        var throttle = AlertThrottle(limit: 1, seconds: 10)
        for number in 0..<AlertThrottle.capacity {
            #expect(throttle.decide(alert("\(number)"), at: 0) == .passes)
            #expect(throttle.decide(alert("\(number)"), at: 0) == .begins)
        }
        #expect((0..<3).map { _ in throttle.decide(alert("one more"), at: 1) } == [.passes, .passes, .passes])
        var held: UInt64 = 0
        while let silence = throttle.next(by: .max) { held += silence.held }
        #expect(held == UInt64(AlertThrottle.capacity))
    }
}
