/// The command line of `fuzz`.
struct FuzzOptions {
    var seed: UInt64 = 1
    /// Number of the first input.
    var first: UInt64 = 0
    /// For a worker: the number behind the last.
    var last: UInt64 = 0
    /// Inputs of each target; nil: as many as there is time for.
    var inputs: UInt64?
    /// For each target; nil: as long as the inputs take.
    var seconds: Double?
    /// Seconds of processor time that one input may take.
    var timeLimit = 2.0
    var corpora: [String] = []
    /// Where inputs are kept that ended a worker.
    var findings = ".build-fuzz/findings"
    /// Targets at one time.
    var jobs = 1
    var targets: [String] = []
    var mode = Mode.run

    enum Mode: Equatable {
        case run
        case list
        /// Reads inputs in this process; the progress is in this file.
        case worker(String)
        /// Reads files, for what was found before.
        case replay([String])
        /// Writes an input, or all seeds, to a file or directory.
        case show(UInt64)
        case seeds(String)
        /// Looks for what grows faster than its length, with so many pairs of words.
        case scale(Int)
    }

    static let usage = """
        usage: fuzz [--inputs N] [--seconds N] [--seed N] [--first N] [--time-limit SECONDS] [--jobs N] [--corpus DIR]...
                    [--findings DIR] [TARGET...]
               fuzz --list
               fuzz --replay TARGET FILE...     what regression tests do
               fuzz --show N TARGET             input N of the seed, on standard output
               fuzz --write-seeds DIR TARGET    for a coverage-guided fuzzer
               fuzz --scale N TARGET            time against length, with N pairs of words
        """

    /// Nil for a command line that is none.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--list": mode = .list
            case "--replay":
                guard let target = rest.popFirst() else { return nil }
                targets = [target]
                mode = .replay(Array(rest))
                return
            case _ where !word.hasPrefix("--"): targets.append(word)
            default:
                guard let value = rest.popFirst(), take(word, value) else { return nil }
            }
        }
    }

    private mutating func take(_ option: String, _ value: String) -> Bool {
        func number() -> UInt64? { UInt64(value.filter { $0 != "_" }) }
        switch option {
        case "--seed": seed = number() ?? seed
        case "--first": first = number() ?? first
        case "--last": last = number() ?? last
        case "--inputs": inputs = number()
        case "--seconds": seconds = Double(value)
        case "--time-limit": timeLimit = Double(value) ?? timeLimit
        case "--jobs": jobs = Int(value) ?? jobs
        case "--corpus": corpora.append(value)
        case "--findings": findings = value
        case "--worker": mode = .worker(value)
        case "--show": mode = .show(number() ?? 0)
        case "--write-seeds": mode = .seeds(value)
        case "--scale": mode = .scale(Int(value) ?? 0)
        default: return false
        }
        return true
    }
}
