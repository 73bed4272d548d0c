// policy-set-image [--rounds N] [--out FILE] POLICY.yaml...: compile the policies of some files into one set as the daemon does, posture
// block, and print one line of JSON about it. FILE gets the image as the kernel would, header and all.
import Core
import Glibc

func fail(_ text: String) -> Never {
    let line = Array("policy-set-image: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(1)
}

func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { fail("cannot open \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

var rounds = 1
var out: String?
var files: [String] = []
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--rounds": rounds = max(1, arguments.popFirst().flatMap { Int($0) } ?? 1)
    case "--out": out = arguments.popFirst()
    default: files.append(argument)
    }
}
guard !files.isEmpty else { fail("no policies named") }

/// Milliseconds to three digits.
func milliseconds(_ duration: Duration) -> Double { (duration / .microseconds(1)).rounded() / 1000 }

let clock = ContinuousClock()
var policies: [Policy] = []
let parsing = clock.measure {
    for path in files {
        let file = PolicyParser.parse(contents(path), file: path)
        for problem in file.errors + file.warnings { fail(problem.description) }
        policies += file.policies
    }
}
let input = PolicySetInput(policies: policies.sorted { $0.identity < $1.identity }, posture: .block)
var times: [Double] = []
var last: CompiledPolicySet?
do {
    for _ in 0..<rounds { times.append(milliseconds(try clock.measure { last = try PolicySetCompiler.compile(input) })) }
} catch {
    fail("\(error)")
}
guard let last else { fail("nothing compiled") }
if let out {
    guard let file = fopen(out, "w") else { fail("cannot write \(out)") }
    let written = last.cells.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    guard fclose(file) == 0 && written == last.cells.count * 8 else { fail("cannot write \(out)") }
}
let statistics = last.statistics
print(
    """
    {"rules": \(last.rules.count), "parse": \(milliseconds(parsing)), "compile": \(times), "bytes": \(last.cells.count * 8), \
    "used": \(statistics.usedBytes), "states": \(statistics.states), "classes": \(statistics.classes), "rows": \(statistics.rows), \
    "sources": \(statistics.sources)}
    """)
