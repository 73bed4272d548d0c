import Core
import Foundation
import Testing

@testable import NRI

/// Frames and messages, against a recording of a real runtime and on their own.
@Suite struct Wire {
    /// One line of the recording: who sends, and the frame.
    static let recorded: [(sender: String, bytes: [UInt8])] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../../../shared/samples/nri08-wire.txt"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            print("skipped: no recording of a runtime at ../shared/samples/nri08-wire.txt")
            return []
        }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ")
            let digits = Array(words[1].utf8)
            let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16) ?? 0 }
            return (String(words[0]), bytes)
        }
    }()

    /// The messages in `bytes`, given to the reader `step` bytes at a time.
    static func messages(_ bytes: [UInt8], step: Int) throws -> [(Multiplexer.Stream, TTRPCMessage)] {
        var demultiplexer = Demultiplexer(), readers: [Multiplexer.Stream: TTRPCReader] = [:], found: [(Multiplexer.Stream, TTRPCMessage)] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            try demultiplexer.take(bytes[start..<min(start + step, bytes.count)]) { readers[$0, default: TTRPCReader()].append($1) }
            for stream in [Multiplexer.Stream.plugin, .runtime] {
                while let message = try readers[stream]?.next() { found.append((stream, message)) }
            }
        }
        return found
    }

    @Test func whatWasRecordedIsReadAndWrittenAgain() throws {
        for (sender, frame) in Self.recorded {
            for step in [1, 7, frame.count] {
                let found = try Self.messages(frame, step: step)
                #expect(found.count == 1, "\(sender) in steps of \(step)")
                let (stream, message) = try #require(found.first)
                #expect(Multiplexer.frames(message.encoded(), on: stream) == frame)
            }
        }
        let all = Self.recorded.filter { $0.sender == "runtime->plugin" }.flatMap(\.bytes)
        guard !all.isEmpty else { return }
        let kinds = try Self.messages(all, step: 1000).map(\.1.kind)
        #expect(kinds.filter { $0 == .response }.count == 1 && kinds.filter { $0 == .request }.count == 5)
    }

    /// Payload and the sizes of the frames that it is sent in.
    static let lengths: [(Int, [Int])] = [
        (0, [0]), (1, [1]), (4095, [4095]), (4096, [4096]), (4097, [4096, 1]), (12_288, [4096, 4096, 4096]), (100_000, Array(repeating: 4096, count: 24) + [1696]),
    ]

    @Test(arguments: lengths) func noFrameIsLargerThanTheRuntimeReads(_ length: Int, _ sizes: [Int]) throws {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let frames = Multiplexer.frames(payload, on: .plugin)
        var offset = 0, found: [Int] = []
        while offset < frames.count {
            #expect(Array(frames[offset..<(offset + 4)]) == [0, 0, 0, 1])
            let size = frames[(offset + 4)..<(offset + 8)].reduce(0) { $0 << 8 | Int($1) }
            found.append(size)
            offset += 8 + size
        }
        #expect(found == sizes)
        var demultiplexer = Demultiplexer(), back: [UInt8] = []
        try demultiplexer.take(frames[...]) { back += $1 }
        #expect(back == payload)
    }

    @Test func framesOfOtherStreamsAreDropped() throws {
        var bytes: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 3, 1, 2, 3]
        bytes += Multiplexer.frames(TTRPCMessage(.request, stream: 3, data: [7]).encoded(), on: .plugin)
        let found = try Self.messages(bytes, step: 5)
        #expect(found.map(\.1) == [TTRPCMessage(.request, stream: 3, data: [7])])
    }

    @Test func messagesOfUnknownKindsAreLeftOut() throws {
        var reader = TTRPCReader()
        reader.append([0, 0, 0, 2, 0, 0, 0, 5, 3, 0, 8, 9])
        reader.append(TTRPCMessage(.response, stream: 7, data: [1]).encoded()[...])
        #expect(try reader.next() == TTRPCMessage(.response, stream: 7, data: [1]))
        #expect(try reader.next() == nil)
    }

    @Test func whatIsTooLongIsRefused() throws {
        var demultiplexer = Demultiplexer()
        #expect(throws: PortcullisError.self) { try demultiplexer.take([0, 0, 0, 1, 0x7F, 0, 0, 0]) { _, _ in } }
        var reader = TTRPCReader()
        reader.append([0x04, 0, 0, 1, 0, 0, 0, 1, 1, 0])
        #expect(throws: PortcullisError.self) { try reader.next() }
        // The protocol's limit is less than what containerd 1.7 sends.
        var long = TTRPCReader()
        long.append(TTRPCMessage(.request, stream: 1, data: Array(repeating: 0, count: 6 << 20)).encoded()[...])
        #expect(try long.next()?.data.count == 6 << 20)
    }
}
