import Core
import NRI

/// What the plugin for NRI reads without the help of Protocol Buffers: the runtime's frames and messages, and the hook's settings.
extension FuzzTarget {
    static var nriTargets: [FuzzTarget] { [nriFrames, failurePolicy] }

    /// However the bytes come, the messages are the same, and what was read can be written and read again.
    static let nriFrames = FuzzTarget(
        name: "nri-frames", format: .binary,
        seeds: [
            Multiplexer.frames(TTRPCMessage(.request, stream: 1, data: Array("hello".utf8)).encoded(), on: .plugin),
            Multiplexer.frames(TTRPCMessage(.response, stream: 3, data: []).encoded(), on: .runtime)
                + Multiplexer.frames(TTRPCMessage(.request, stream: 5, data: Array(repeating: 7, count: 5000)).encoded(), on: .plugin),
        ],
        words: [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0x10, 0], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 10, 0, 0, 0, 1, 1, 0], [4, 0, 0, 0]],
        reader: {
            func read(_ input: [UInt8], step: Int) -> Result<[TTRPCMessage], PortcullisError> {
                Result { () throws(PortcullisError) in
                    var demultiplexer = Demultiplexer(), calls = TTRPCReader(), answers = TTRPCReader(), found: [TTRPCMessage] = []
                    var start = 0
                    while start < input.count {
                        let end = min(start + step, input.count)
                        try demultiplexer.take(input[start..<end]) { stream, piece in if stream == .plugin { calls.append(piece) } else { answers.append(piece) } }
                        start = end
                    }
                    while let message = try calls.next() { found.append(message) }
                    while let message = try answers.next() { found.append(message) }
                    return found
                }
            }
            return { input throws(BrokenPromise) in
                let whole = read(input, step: max(input.count, 1))
                switch (whole, read(input, step: 1 + fingerprint(input) % 23)) {
                case (.success(let messages), .success(let others)):
                    try promise(messages == others, "other messages in small steps")
                    let written = messages.flatMap { Multiplexer.frames($0.encoded(), on: .plugin) }
                    guard case .success(let again) = read(written, step: max(written.count, 1)) else { throw BrokenPromise(description: "what is written is refused") }
                    try promise(again == messages, "what is written reads as something else")
                    return !messages.isEmpty
                case (.failure, .failure): return false
                case (let one, let other): throw BrokenPromise(description: "\(one) is \(other) in small steps")
                }
            }
        })

    static let failurePolicy = FuzzTarget(
        name: "failure-policy", format: .json,
        seeds: texts(#"{"on-failure":"deny","allow-namespace":["a"],"deny-namespace":["b","c"]}"#, "{}", #"{"timeout":"1s","on-failure":"allow"}"#),
        words: jsonWords + texts("\"on-failure\":", "\"deny\"", "\"allow-namespace\":[", "\"deny-namespace\":["),
        reader: {
            { input throws(BrokenPromise) in
                guard let policy = try? FailurePolicy(json: input) else { return false }
                for name in policy.deniedNamespaces { try promise(policy.denies(name), "what is denied is let through") }
                for name in policy.allowedNamespaces where !policy.deniedNamespaces.contains(name) { try promise(!policy.denies(name), "what is allowed is held up") }
                return true
            }
        })
}
