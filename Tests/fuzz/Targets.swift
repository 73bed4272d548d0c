extension FuzzTarget {
    /// Every reader of bytes that come from outside the program.
    static var all: [FuzzTarget] { hookTargets + runtimeTargets + nriTargets + wireTargets + policyTargets + stateTargets + kernelTargets + feedTargets }

    /// A reader with every fault there can be, so that it is known that faults are seen. Only run by name.
    static let selfTest = FuzzTarget(
        name: "self-test", format: .text, seeds: texts("fine", "crash", "hang", "broken", "deep", "fine too"), words: texts("x"), limit: 6,
        reader: {
            { input throws(BrokenPromise) in
                switch String(decoding: input, as: UTF8.self) {
                case "crash": preconditionFailure("a crash")
                case "hang": while true {}
                case "broken": throw BrokenPromise(description: "a broken promise")
                case "deep": return deep(input.count) > 0
                default: return true
                }
            }
        })

    /// Uses up the stack.
    private static func deep(_ number: Int) -> Int { number == 0 ? 0 : deep(number + 1) + deep(number - 2 * number) }
}
