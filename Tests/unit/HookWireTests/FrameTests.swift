import HookWire
import Testing

@Suite struct FrameTests {
    static let message: HookMessage = {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        message.pid = 0x01020304
        message.mountNamespace = 0xF0000001
        message.pidNamespace = 0xF0000002
        message.startTime = 77
        message.bundle = Array("/b".utf8)
        message.annotations = [.init(key: Array("k".utf8), value: Array("v\n".utf8)), .init(key: Array("empty".utf8), value: [])]
        return message
    }()

    @Test func bytesAreTheProtocol() {
        var small = HookMessage(operation: .add, containerID: Array("c1".utf8))
        small.pid = 0x01020304
        small.startTime = 7
        #expect(small.encoded() == [
            0x40, 0, 0, 0, // length of the body
            1, 1, 0, 0, // version, add, reserved
            1, 0, 2, 0, 0, 0, 0x63, 0x31, // container id "c1"
            2, 0, 4, 0, 0, 0, 4, 3, 2, 1, // pid
            3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // pid namespace
            4, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // mount namespace
            5, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, // start time
        ])
        #expect(HookAnswer(code: .registered, abi: 1, reason: Array("ok".utf8)).encoded() == [
            12, 0, 0, 0, 1, 0x81, 0, 0, 1, 0, 1, 0, 0, 0, 0x6F, 0x6B,
        ])
    }

    @Test func comesBackAsItWas() throws {
        let frame = Self.message.encoded()
        #expect(try HookMessage(decoding: frame[4...]) == Self.message)
        let answer = HookAnswer(code: .sharedNamespaces, abi: 9, reason: Array("why".utf8))
        #expect(try HookAnswer(decoding: answer.encoded()[4...]) == answer)
    }

    @Test func leavesOutAnnotationsThatDoNotFitAndSaysSo() throws {
        var message = Self.message
        message.annotations = (0..<3_000).map { .init(key: Array("key\($0)".utf8), value: [UInt8](repeating: 0x61, count: 1_000)) }
        let frame = message.encoded()
        #expect(frame.count <= Frame.bodyLimit + Frame.lengthBytes)
        let decoded = try HookMessage(decoding: frame[4...])
        #expect(decoded.annotationsCut > 0)
        #expect(decoded.annotations.count + Int(decoded.annotationsCut) == 3_000)
        #expect(decoded.annotations.count > 900)
    }

    static let valid = Array(message.encoded()[4...])

    @Test(arguments: [
        ([], FrameError.truncated), ([1], .truncated), ([2, 1, 0, 0], .version), ([1, 9, 0, 0], .type), ([1, 1, 1, 0], .type),
        ([1, 0x81, 0, 0], .type), ([1, 1, 0, 0], .missingField), ([1, 2, 0, 0], .missingField),
        ([1, 2, 0, 0, 99, 0, 0, 0, 0, 0], .unknownField), ([1, 2, 0, 0, 1, 0, 200, 0, 0, 0, 0x61], .truncated),
        ([1, 2, 0, 0, 1, 0, 1, 0, 0, 0, 0x61, 1, 0, 1, 0, 0, 0, 0x61], .duplicateField),
        ([1, 2, 0, 0, 1, 0, 1, 0, 0, 0, 0], .invalidText), ([1, 2, 0, 0, 1, 0, 1, 0, 0, 0, 0xFF], .invalidText),
        ([1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0x61, 2, 0, 2, 0, 0, 0, 1, 1], .fieldSize),
        ([1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0x61, 2, 0, 5, 0, 0, 0, 1, 1, 1, 1, 1], .fieldSize),
        ([1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0x61], .missingField), ([1, 2, 0, 0, 9, 0, 2, 0, 0, 0, 0, 0], .truncated),
        ([1, 2, 0, 0, 9, 0, 4, 0, 0, 0, 9, 0, 0, 0], .truncated), ([1, 2, 0, 0, 9, 0, 4, 0, 0, 0, 255, 255, 255, 255], .truncated),
    ] as [([UInt8], FrameError)])
    func refuses(_ body: [UInt8], _ error: FrameError) {
        #expect(throws: error) { _ = try HookMessage(decoding: body[...]) }
    }

    @Test func skipsOptionalFieldsOfLaterVersions() throws {
        let body = Self.valid + [7, 0x80, 2, 0, 0, 0, 1, 2]
        #expect(try HookMessage(decoding: body[...]) == Self.message)
    }

    @Test func refusesLongNames() {
        var message = Self.message
        message.containerID = [UInt8](repeating: 0x61, count: HookLimits.containerID + 1)
        #expect(throws: FrameError.invalidText) { _ = try HookMessage(decoding: message.encoded()[4...]) }
    }

    @Test func survivesMutation() {
        // A cut between two fields can leave a valid, shorter message; a cut anywhere else cannot.
        for end in 0..<Self.valid.count { #expect((try? HookMessage(decoding: Self.valid[..<end])) != Self.message) }
        var refused = 0
        for index in Self.valid.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = Self.valid
                changed[index] = byte
                if (try? HookMessage(decoding: changed[...])) == nil { refused += 1 }
            }
        }
        #expect(refused > Self.valid.count)
    }
}
