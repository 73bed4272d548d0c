import Core
import Testing

@Suite struct HistoryStartTests {
    private static let now: UInt64 = 1_767_323_045_000_000_000  // 2026-01-02T03:04:05Z

    @Test(arguments: [
        ("5s", now - 5_000_000_000), ("10m", now - 600_000_000_000), ("2h", now - 7_200_000_000_000), ("1d", now - 86_400_000_000_000), ("99999999d", 0),
        ("2026-01-02T03:04:05Z", now), ("2026-01-02T05:04:05.5+02:00", now + 500_000_000), ("2026-01-01t22:04:05-05:00", now),
    ] as [(String, UInt64)])
    func times(_ text: String, _ nanoseconds: UInt64) { #expect(HistoryStart(text, now: Self.now) == .time(nanoseconds)) }

    @Test(arguments: [
        "", "s", "0s", "-5s", "5", "5w", "1.5h", "99999999999999999999d", "2026-01-02", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx", "1969-01-02T03:04:05Z", "4f1c22ab", "4f1c22ab-123-0", "-0000000000000001-0", "x-0000000000000001-0", "4f1c22ab-0000000000000001-fffff",
    ])
    func whatIsNone(_ text: String) { #expect(HistoryStart(text, now: Self.now) == nil) }

    /// What is written is read back.
    @Test(arguments: [0, 951_782_399_999_999_000, 951_868_799_000_000_000, 1_709_210_096_123_456_000, 4_102_444_799_000_000_000] as [UInt64])
    func timestampsAreReadBack(_ nanoseconds: UInt64) { #expect(Timestamp.nanoseconds(Timestamp.text(nanoseconds: nanoseconds)) == nanoseconds) }

    private func taken(_ start: String?, _ messages: [KubeArmorMessage]) -> [String] {
        var selection = HistorySelection(from: start.flatMap { HistoryStart($0, now: Self.now) })
        return messages.filter { selection.takes($0) }.map(\.eventID)
    }

    private func message(_ id: String, _ time: String = "2026-01-02T03:04:05.000000Z") -> KubeArmorMessage {
        var message = MessageSamples.log("Process", "/x")
        (message.eventID, message.updatedTime) = (id, time)
        return message
    }

    @Test func fromATimeOn() {
        let messages = [message("a", "2026-01-02T03:03:00.000000Z"), message("b", "2026-01-02T03:03:56.000000Z")]
        #expect(taken("10s", messages) == ["b"] && taken(nil, messages) == ["a", "b"] && taken("2m", messages) == ["a", "b"])
    }

    /// Another boot's events, and what has no id, count by their place in the file.
    @Test func behindAnEvent() {
        let messages = [
            "aaaaaaaa-0000000000000009-0", "bbbbbbbb-0000000000000001-0", "bbbbbbbb-0000000000000003-0", "bbbbbbbb-0000000000000002-0", "bbbbbbbb-0000000000000002-1", "",
            "cccccccc-0000000000000001-0",
        ].map { message($0) }
        #expect(taken("bbbbbbbb-0000000000000002-0", messages) == ["bbbbbbbb-0000000000000003-0", "bbbbbbbb-0000000000000002-1", "", "cccccccc-0000000000000001-0"])
        #expect(taken("dddddddd-0000000000000002-0", messages).isEmpty)
    }
}
