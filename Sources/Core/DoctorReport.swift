/// What `portcullis doctor` finds, line by line, and what to do about it.
public struct DoctorReport: Sendable {
    public enum State: String, Sendable {
        case ok
        /// It works, and somebody should look.
        case warn
        /// Containers are not registered, or nothing is enforced although it should be.
        case fail
        /// It could not be looked at, or there is nothing to look at; the reason is what was found.
        case skip
    }

    public struct Finding: Equatable, Sendable {
        public let state: State
        /// A word for scripts, which does not change.
        public let check: String
        public let found: String
        /// What to do; empty where nothing needs to be done.
        public let advice: String

        public init(_ state: State, _ check: String, _ found: String, advice: String = "") {
            self.state = state
            self.check = check
            self.found = found
            self.advice = advice
        }

        /// One JSON object.
        public func json() -> [UInt8] {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("check", check)
                writer.member("state", state.rawValue)
                writer.member("found", found)
                writer.member("advice", advice)
            }
            return writer.bytes
        }
    }

    public private(set) var findings: [Finding] = []

    public init() {}

    public mutating func add(_ finding: Finding) { findings.append(finding) }
    public mutating func ok(_ check: String, _ found: String) { add(Finding(.ok, check, found)) }
    public mutating func warn(_ check: String, _ found: String, _ advice: String) { add(Finding(.warn, check, found, advice: advice)) }
    public mutating func fail(_ check: String, _ found: String, _ advice: String) { add(Finding(.fail, check, found, advice: advice)) }
    public mutating func skip(_ check: String, _ found: String) { add(Finding(.skip, check, found)) }

    public var hasFailed: Bool { findings.contains { $0.state == .fail } }

    /// For people: a line for each finding, and below it, indented, what to do.
    public var lines: [String] {
        let width = findings.map(\.check.count).max() ?? 0
        return findings.flatMap { finding in
            // What has failed has to be seen among the rest.
            let state = finding.state == .fail ? "FAIL" : finding.state.rawValue + (finding.state == .ok ? "  " : "")
            let line = "\(state)  \(finding.check)\(String(repeating: " ", count: width - finding.check.count))  \(finding.found)"
            return finding.advice.isEmpty ? [line] : [line, "        \(finding.advice)"]
        }
    }
}
