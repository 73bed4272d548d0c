import Testing

@testable import Core

@Suite struct MessageGateTests {
    private let second: UInt64 = 1_000_000_000
    private let translator = FeedTranslator(clusterName: "c", hostName: "h", nodeID: "n", bootID: "b")

    private func gate(limit: Int = 0, silence: Int = 10, fold: Int = 0) -> MessageGate {
        MessageGate(AlertThrottle(limit: limit, seconds: silence), RepeatFolding(seconds: fold))
    }

    private func file(_ path: String, _ change: (inout KubeArmorMessage) -> Void = { _ in }) -> KubeArmorMessage {
        var message = MessageSamples.log("File", path, data: "syscall=SYS_OPENAT")
        change(&message)
        return message
    }

    @Test func whatNobodyHoldsBackGoesThroughAsItIs() {
        var gate = gate(), sent: [KubeArmorMessage] = []
        let messages = (0..<10).map { _ in file("/a") } + (0..<10).map { _ in MessageSamples.alert("File", "/a") }
        for (time, message) in messages.enumerated() { gate.take(message, at: UInt64(time), translator, &sent) }
        #expect(sent == messages && gate.nextEnd == nil && gate.held == 0 && gate.folded == 0)
    }

    /// A container that has ended raises no alert that could bring its word about the silence.
    @Test func aSilenceEndsThoughNothingComes() {
        var gate = gate(limit: 1, silence: 3), sent: [KubeArmorMessage] = []
        for time in 0..<5 { gate.take(MessageSamples.alert("File", "/\(time)"), at: UInt64(time), translator, &sent) }
        #expect(sent.map(\.operation) == ["File", "AlertThreshold"] && gate.held == 4)
        #expect(gate.nextEnd == 3 * second + 1)
        gate.close(by: 3 * second, now: 3 * second, translator, &sent)
        #expect(sent.count == 2)
        gate.close(by: 4 * second, now: 4 * second, translator, &sent)
        #expect(sent.count == 3 && sent[2].heldCount == 4 && sent[2].workload == sent[0].workload && sent[2].timestamp == 3)
        #expect(gate.nextEnd == nil)
    }

    @Test func theLastOfTheRepeatsSaysHowManyThereWere() {
        var gate = gate(fold: 2), sent: [KubeArmorMessage] = []
        for time in 0..<4 { gate.take(file("/a") { $0.hostPID = Int32(time) }, at: UInt64(time), translator, &sent) }
        gate.take(file("/b"), at: 5, translator, &sent)
        #expect(sent.map(\.resource) == ["/a", "/b"] && gate.folded == 3 && gate.nextEnd == 2 * second)
        // One that comes when it is over stands behind the word about those before.
        gate.take(file("/a"), at: 2 * second + 10, translator, &sent)
        #expect(sent.map(\.resource) == ["/a", "/b", "/a", "/a"])
        #expect(sent.map(\.repeatCount) == [1, 1, 3, 1] && sent[2].hostPID == 3 && sent[2].datum("Syscall") == "SYS_OPENAT" && sent[2].data == "syscall=SYS_OPENAT repeats=3")
        gate.close(now: 3 * second, translator, &sent)
        #expect(sent.count == 4 && gate.nextEnd == nil)
    }

    @Test(arguments: [
        { $0.workload.containerID = "other" }, { $0.processName = "/bin/ls" }, { $0.parentProcessName = "/bin/bash" }, { $0.resource = "/b" }, { $0.data = "" }, { $0.result = "Permission denied" },
        { $0.uid = 0 }, { $0.operation = "Syscall" }, { $0.kind = .alert }, { $0.policyName = "p" }, { $0.action = "Block" },
    ] as [@Sendable (inout KubeArmorMessage) -> Void])
    func whatSaysSomethingElseIsNoRepeat(_ change: @Sendable (inout KubeArmorMessage) -> Void) {
        var gate = gate(fold: 2), sent: [KubeArmorMessage] = []
        gate.take(file("/a"), at: 0, translator, &sent)
        gate.take(file("/a", change), at: 1, translator, &sent)
        #expect(sent.count == 2 && gate.folded == 0)
    }

    @Test func whatThereIsNoRoomForGoesThrough() {
        var gate = gate(fold: 2), sent: [KubeArmorMessage] = []
        for number in 0..<RepeatFolding.capacity { gate.take(file("/\(number)"), at: 0, translator, &sent) }
        for _ in 0..<3 { gate.take(file("/more"), at: 1, translator, &sent) }
        #expect(sent.count == RepeatFolding.capacity + 3 && gate.folded == 0)
        gate.take(file("/0"), at: 1, translator, &sent)
        #expect(gate.folded == 1)
    }

    /// The throttle counts what would be sent, and the first of repeats is one that was sent.
    @Test func repeatsDoNotFloodAndFloodsAreNotRepeated() {
        var gate = gate(limit: 2, silence: 10, fold: 5), sent: [KubeArmorMessage] = []
        let alert = { MessageSamples.alert("File", $0) }
        for path in ["/a", "/a", "/a", "/b", "/c", "/c", "/a"] { gate.take(alert(path), at: 0, translator, &sent) }
        #expect(sent.map(\.operation) == ["File", "File", "AlertThreshold"] && gate.folded == 3 && gate.held == 2)
    }

    /// Whatever comes in whatever order: nothing is sent, held or folded twice, and nothing is forgotten.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func whatCameIsWhatWasSentHeldAndFolded(_ seed: UInt64) {
        var random = seed &* 0x9e37_79b9_7f4a_7c15
        func next(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % bound
        }
        var gate = gate(limit: 3, silence: 2, fold: 1), sent: [KubeArmorMessage] = [], time: UInt64 = 0
        let came = 20_000
        for _ in 0..<came {
            time += next(50_000_000)
            var message = next(3) == 0 ? MessageSamples.alert("File", "/\(next(40))") : file("/\(next(40))")
            message.workload.containerID = "\(next(5))"
            // Processors are not quite in step.
            gate.take(message, at: time - min(time, next(1_000_000)), translator, &sent)
            if next(10) == 0 { gate.close(by: time, now: time, translator, &sent) }
        }
        gate.close(now: time, translator, &sent)
        let notices = sent.filter(\.isThresholdNotice), repeats = sent.filter { $0.datum("Repeats") != nil }
        let plain = sent.count - notices.count - repeats.count
        #expect(notices.compactMap(\.heldCount).reduce(0, +) == gate.held && repeats.map(\.repeatCount).reduce(0, +) == gate.folded)
        #expect(UInt64(plain) + gate.held + gate.folded == UInt64(came) && gate.held > 0 && gate.folded > 0)
        #expect(notices.count(where: { $0.heldCount == nil }) == notices.count(where: { $0.heldCount != nil }))
    }
}
