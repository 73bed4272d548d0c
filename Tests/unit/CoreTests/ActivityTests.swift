import Testing

@testable import Core

@Suite struct ActivityTests {
    @Test func theBusiestComeFirst() {
        var activity = Activity(), other = MessageSamples.log("File", "/a")
        other.workload = MessageSamples.workload("c1", name: "", pod: "", namespace: "default")
        for _ in 0..<4 { activity.take(other) }
        activity.take(MessageSamples.log("File", "/a"))
        activity.take(MessageSamples.alert("File", "/a"))
        activity.take(MessageSamples.alert("File", "/a", action: "Audit", result: "Passed"))
        activity.lose(4)
        let report = activity.turn()
        #expect(report.containers.map(\.owner) == ["c1", "shop/web-0/web(3f2a91b7c0de)"] && report.containers.map(\.events) == [4, 1])
        #expect(report.policies == [.init(policy: "shop/secrets", alerts: 2, denied: 1, allAlerts: 2)])
        #expect((report.events, report.alerts, report.denied, report.lost) == (5, 2, 1, 4))
    }

    /// An interval begins with nothing; who had an alert is remembered.
    @Test func intervalsAreApart() {
        var activity = Activity(), other = MessageSamples.log("File", "/a")
        other.workload = MessageSamples.workload("c1", name: "", pod: "", namespace: "default")
        activity.take(other)
        activity.take(MessageSamples.alert("File", "/a"))
        _ = activity.turn()
        let report = activity.turn()
        #expect(report.containers == [.init(owner: "shop/web-0/web(3f2a91b7c0de)", allAlerts: 1)] && report.policies == [.init(policy: "shop/secrets", allAlerts: 1)])
        #expect(report.events == 0 && report.alerts == 0)
    }

    @Test func containersBeyondTheBoundCountInTheSums() {
        var activity = Activity()
        for number in 0...Activity.rowLimit {
            var message = MessageSamples.alert("File", "/a")
            message.workload.containerID = "c\(number)"
            activity.take(message)
        }
        let report = activity.turn()
        #expect(report.containers.count == Activity.rowLimit && report.alerts == UInt64(Activity.rowLimit) + 1)
        // Where room is scarce, who does nothing is forgotten, alerts or none.
        _ = activity.turn()
        #expect(activity.turn().containers.isEmpty)
    }
}
