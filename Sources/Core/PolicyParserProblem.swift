/// What is wrong, or worth knowing, about a policy text: where, and in which field.
public struct PolicyProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name as it was given to the parser.
    public let file: String
    /// From 1.
    public let line: Int
    /// From 1.
    public let column: Int
    /// The field's full name, `spec.process.matchPaths[2].path`; empty for the document as a whole.
    public let field: String
    public let problem: String

    public init(file: String, line: Int, column: Int, field: String, problem: String) {
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.problem = problem
    }

    /// One line, `file:line:column: field: problem`.
    public var description: String { "\(file):\(line):\(column): \(field.isEmpty ? "" : field + ": ")\(problem)" }
}

/// What a policy text says, as far as it can be understood.
public struct PolicyFile: Equatable, Sendable {
    /// In the order written, of the documents without an error.
    public var policies: [Policy] = []
    /// Each makes its document give no policy.
    public var errors: [PolicyProblem] = []
    /// What is not done as written, without making the policy any wider than it was meant.
    public var warnings: [PolicyProblem] = []

    public init() {}
}

/// Gathers the problems of one file.
struct PolicyFindings {
    let file: String
    /// Unknown fields are errors.
    let isStrict: Bool
    private(set) var errors: [PolicyProblem] = []
    private(set) var warnings: [PolicyProblem] = []
    /// All errors, also those that are no longer kept.
    private(set) var errorCount = 0
    private(set) var warningCount = 0
    private var suggestions = 0
    /// Lines and columns of unknown fields that are errors already.
    private var refused: Set<[Int]> = []

    init(file: String, isStrict: Bool = false) {
        self.file = file
        self.isStrict = isStrict
    }

    mutating func error(_ line: Int, _ column: Int, _ field: String, _ problem: String) {
        errorCount += 1
        if errors.count < PolicyParser.problemLimit { errors.append(entry(line, column, field, problem)) }
    }

    mutating func error(_ node: YAMLNode, _ field: String, _ problem: String) { error(node.line, node.column, field, problem) }

    mutating func warn(_ line: Int, _ column: Int, _ field: String, _ problem: String) {
        warningCount += 1
        if warnings.count < PolicyParser.problemLimit { warnings.append(entry(line, column, field, problem)) }
    }

    mutating func warn(_ node: YAMLNode, _ field: String, _ problem: String) { warn(node.line, node.column, field, problem) }

    /// Whether the unknown field at a place becomes an error now, and was none before.
    mutating func refuses(_ line: Int, _ column: Int) -> Bool { refused.insert([line, column]).inserted }

    /// Takes a warning back that turned out to be an error.
    mutating func retractWarning(_ line: Int, _ column: Int, _ field: String) {
        warningCount -= 1
        guard let index = warnings.lastIndex(where: { ($0.line, $0.column, $0.field) == (line, column, field) }) else { return }
        warnings.remove(at: index)
    }

    /// What a misspelt name was probably meant to be. Only looked for as often as problems are listed: looking takes a while.
    mutating func nearest(to name: String, among candidates: [String]) -> String? {
        suggestions += 1
        return suggestions > PolicyParser.problemLimit ? nil : PolicySuggestion.nearest(to: name, among: candidates)
    }

    private func entry(_ line: Int, _ column: Int, _ field: String, _ problem: String) -> PolicyProblem {
        PolicyProblem(file: file, line: line, column: column, field: field, problem: problem)
    }

    /// The errors by place, and how many more there were.
    var allErrors: [PolicyProblem] { sorted(errors, errorCount, "errors") }

    /// The warnings likewise.
    var allWarnings: [PolicyProblem] { sorted(warnings, warningCount, "warnings") }

    private func sorted(_ problems: [PolicyProblem], _ count: Int, _ word: String) -> [PolicyProblem] {
        let sorted = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        guard count > problems.count, let last = sorted.last else { return sorted }
        return sorted + [entry(last.line, last.column, "", "and \(count - problems.count) more \(word), not listed")]
    }

    /// Text from a policy as it may stand in a message: one line, and not long.
    static func shown(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            guard result.utf8.count < 80 else { return result + "…" }
            if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                || scalar.properties.generalCategory == .lineSeparator || scalar.properties.generalCategory == .paragraphSeparator {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
