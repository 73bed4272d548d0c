import Foundation
import Synchronization

/// One run over all chosen targets, and the table that says what came of it.
struct FuzzRun {
    let options: FuzzOptions

    /// False if anything was found.
    func run(_ targets: [FuzzTarget], _ corpus: Corpus) throws -> Bool {
        let supervisor = Supervisor(program: Self.program, options: options)
        let totals = Mutex<[String: Supervisor.Total]>([:])
        let waiting = Mutex(targets[...])
        let failure = Mutex<String?>(nil)
        say("fuzz: seed \(options.seed), \(targets.count) targets")
        DispatchQueue.concurrentPerform(iterations: max(options.jobs, 1)) { _ in
            while let target = waiting.withLock({ $0.popFirst() }) {
                do {
                    let total = try supervisor.run(target, corpus.mutator(target))
                    totals.withLock { $0[target.name] = total }
                    say(line(target.name, total))
                    for finding in total.findings { say("  \(finding.kind.rawValue) \(finding.file): \(finding.detail)") }
                } catch { failure.withLock { $0 = "\(target.name): \(error)" } }
            }
        }
        if let failure = failure.withLock({ $0 }) {
            complain("fuzz: \(failure)")
            return false
        }
        let all = totals.withLock { Array($0.values) }
        let findings = all.flatMap(\.findings)
        func count(_ kind: Supervisor.Finding.Kind) -> Int { findings.count { $0.kind == kind } }
        say(
            "fuzz: \(all.reduce(0) { $0 + $1.inputs }) inputs, \(count(.crash)) crashes, \(count(.hang)) hangs, \(count(.broken)) broken promises")
        return findings.isEmpty
    }

    private func line(_ name: String, _ total: Supervisor.Total) -> String {
        func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(width - text.count, 0)) + text }
        let rate = total.seconds > 0 ? Double(total.inputs) / total.seconds : 0
        let accepted = total.inputs > 0 ? 100 * Double(total.accepted) / Double(total.inputs) : 0
        return name.padding(toLength: 16, withPad: " ", startingAt: 0) + padded("\(total.inputs)", 10) + " inputs" + padded("\(Int(rate))", 8) + "/s"
            + padded(String(format: "%.1f", accepted), 6) + " % accepted" + padded("\(total.inputs > 0 ? total.bytes / total.inputs : 0)", 7) + " B each"
            + padded(String(format: "%.1f", Double(total.slowest) / 1e6), 9) + " ms slowest (\(total.slowestNumber))"
    }

    /// The worker is this very program.
    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
