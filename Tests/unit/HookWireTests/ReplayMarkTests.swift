import HookWire
import Testing

/// The frames around a scan.
@Suite struct ReplayMarkTests {
    @Test(arguments: [ReplayMark.begin, .end(problems: []), .end(problems: [Array("/run/x: permission denied".utf8), [0xFF, 0]])])
    func roundTrip(_ mark: ReplayMark) throws {
        #expect(try ReplayMark(decoding: mark.encoded()[4...]) == mark)
    }

    @Test func nothingBeyondTheBounds() throws {
        let many = ReplayMark.end(problems: Array(repeating: Array(repeating: UInt8(ascii: "x"), count: 1000), count: 1000))
        guard case .end(let problems)? = try ReplayMark(decoding: many.encoded()[4...]) else { Issue.record("no end"); return }
        #expect(problems.count == ReplayMark.problemLimit && problems.allSatisfy { $0.count == ReplayMark.problemBytes })
    }

    @Test func otherFramesAreNone() throws {
        #expect(try ReplayMark(decoding: HookMessage(operation: .remove, containerID: [65]).encoded()[4...]) == nil)
        #expect(try ReplayMark(decoding: HookAnswer(code: .noted, abi: 1).encoded()[4...]) == nil)
    }

    @Test(arguments: [
        ([1, 3, 0, 0, 9], FrameError.unknownField), ([1, 4, 0, 0, 1, 0, 1, 0, 0, 0, 65], .unknownField), ([1, 4, 0, 0, 17, 0, 9, 0, 0, 0, 65], .truncated),
        ([1, 4, 0, 0, 17, 0, 0xFF, 0xFF, 0, 0], .fieldSize), ([2, 3, 0, 0], .version), ([1, 9, 0, 0], .type), ([1], .truncated),
    ]) func malformedOnesAreRefused(_ body: [UInt8], _ error: FrameError) {
        #expect(throws: error) { try ReplayMark(decoding: body[...]) }
    }

    /// The whole message with its new fields fits its bound, whatever the annotations.
    @Test(arguments: [3000, 65_536, 1 << 20]) func aFullMessageKeepsItsBound(_ limit: Int) throws {
        var message = HookMessage(operation: .add, containerID: Array("c".utf8))
        message.pid = 1
        message.startTime = 1
        message.sources = 3
        message.elapsed = 7
        message.ending = .denied
        message.hasStarted = true
        message.annotations = (0..<2000).map { .init(key: Array("key\($0)".utf8), value: Array(repeating: 65, count: 700)) }
        let frame = message.encoded(bodyLimit: limit)
        #expect(frame.count - 4 <= limit)
        let read = try HookMessage(decoding: frame[4...])
        #expect(read.sources == 3 && read.elapsed == 7 && read.ending == .denied && read.hasStarted && read.annotationsCut > 0)
    }
}
