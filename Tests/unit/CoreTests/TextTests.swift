import CABI
import Core
import HookWire
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (1_000_000_000, "1970-01-01T00:00:01.000000Z"),
        (951_782_399_999_999_000, "2000-02-28T23:59:59.999999Z"), (951_868_799_000_000_000, "2000-02-29T23:59:59.000000Z"),
        (1_709_210_096_123_456_789, "2024-02-29T12:34:56.123456Z"), (4_102_444_799_000_000_000, "2099-12-31T23:59:59.000000Z"),
    ] as [(UInt64, String)])
    func timestamps(_ nanoseconds: UInt64, _ text: String) { #expect(Timestamp.text(nanoseconds: nanoseconds) == text) }

    @Test func jsonEscapes() {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("a\"b", "x\ny\u{1}\\é")
            writer.member("n", -5)
            writer.key("list")
            writer.array { writer in
                writer.string("")
                writer.number(7 as UInt8)
                writer.object { _ in }
            }
            writer.member("raw", [0x61, 0xFF, 0x62] as [UInt8])
            writer.member("yes", true)
        }
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a\"b":"x\ny\u0001\\é","n":-5,"list":["",7,{}],"raw":"a�b","yes":true}"#)
        // What we write, our own strict reader accepts.
        var reader = JSONReader(ArraySource(writer.bytes))
        #expect(throws: Never.self) { try reader.skipValue() }
    }

    /// An exec event as bytes: header, arguments, path.
    private func event(_ executable: String, _ arguments: [UInt8], _ edit: (inout pc_event) -> Void = { _ in }) -> [UInt8] {
        var header = pc_event()
        header.type = UInt16(PC_EVENT_EXEC.rawValue)
        header.source = UInt16(PC_SOURCE_LABEL.rawValue)
        header.slot = 3
        header.generation = 4
        header.path_length = UInt16(executable.utf8.count)
        header.arguments_length = UInt16(arguments.count)
        edit(&header)
        return withUnsafeBytes(of: header) { Array($0) } + arguments + Array(executable.utf8)
    }

    @Test func decodesAnEvent() throws {
        let bytes = event("/bin/sh", Array("sh\0-c\0\0a b\0".utf8)) { $0.label_flags = UInt16(PC_LABEL_FIRST.rawValue) }
        let decoded = try #require(bytes.withUnsafeBytes { Event($0) })
        #expect(decoded.isFirst && decoded.reference == SlotReference(slot: 3, generation: 4))
        #expect(decoded.splitArguments().map { String(decoding: $0, as: UTF8.self) } == ["sh", "-c", "", "a b"])
        let cut = event("/bin/sh", Array("sh\0lon".utf8))
        #expect(cut.withUnsafeBytes { Event($0) }?.splitArguments().count == 2)
        #expect(bytes.withUnsafeBytes { Event($0)?.json(nil, WorkloadIdentity(), wallClockOffset: 0) }?.isEmpty == false)
    }

    @Test func refusesWhatIsNoEvent() {
        let whole = event("/bin/sh", [0x61, 0])
        for end in 0..<whole.count { #expect(whole[..<end].withUnsafeBytes { Event($0) } == nil) }
        #expect(event("/x", []) { $0.type = 9 }.withUnsafeBytes { Event($0) } == nil)
        #expect(event("/x", []) { $0.source = 99 }.withUnsafeBytes { Event($0) } == nil)
    }

    @Test func controlFrames() {
        #expect(ControlProtocol.request(.events, "ab") == [4, 0, 0, 0, 1, 3, 0x61, 0x62])
        #expect(ControlProtocol.answer(.end) == [2, 0, 0, 0, 1, 2])
        #expect(ControlProtocol.parts([2, 1]) == nil)
        #expect(ControlProtocol.parts([1]) == nil)
        #expect(ControlProtocol.parts([1, 2, 3])?.second == 2)
    }
}
