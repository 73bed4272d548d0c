import ArgumentParser
import Core

struct PolicyValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check policy files without a daemon.",
        discussion: """
            Each problem is one line, FILE:LINE:COLUMN: FIELD: PROBLEM; a warning has "warning:" behind the place. A policy without a problem is
            compiled, and its size in the kernel stated. Exit status: 0 nothing but warnings; 1 problems.

            Example:
              portcullis policy validate --strict policies/
            """)

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @Flag(help: "Take unknown fields for problems, not warnings.")
    var strict = false

    @Flag(name: .shortAndLong, help: "Print problems and warnings only.")
    var quiet = false

    @Argument(help: "Files, YAML or JSON; directories of them; - is standard input.", completion: .file())
    var files: [String]

    func run() throws {
        var failed = false
        var seen: [String: Policy.Origin] = [:]
        for argument in files {
            do throws(PortcullisError) {
                for file in try PolicyText.files(argument) { check(file, &seen, &failed) }
            } catch {
                failed = true
                say(PolicyProblem(file: argument, line: 1, column: 1, field: "", problem: error.description), isWarning: false)
            }
        }
        if failed { throw Exit.refused }
    }

    private func check(_ file: String, _ seen: inout [String: Policy.Origin], _ failed: inout Bool) {
        let name = file == "-" ? "(standard input)" : file
        let text: [UInt8]
        do throws(PortcullisError) { text = try PolicyText.read(file) } catch {
            failed = true
            return say(PolicyProblem(file: name, line: 1, column: 1, field: "", problem: error.description), isWarning: false)
        }
        let report = PolicyCheck(text, file: name, isStrict: strict, alreadySeen: &seen)
        for warning in report.warnings { say(warning, isWarning: true) }
        for problem in report.errors { say(problem, isWarning: false) }
        for policy in report.sizes { say(policy) }
        if !report.errors.isEmpty { failed = true }
    }

    private func say(_ problem: PolicyProblem, isWarning: Bool) {
        guard json else {
            let field = problem.field.isEmpty ? "" : problem.field + ": "
            return Output.line(Output.clean("\(problem.file):\(problem.line):\(problem.column): \(isWarning ? "warning: " : "")\(field)\(problem.problem)"))
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", isWarning ? "warning" : "error")
            writer.member("file", problem.file)
            writer.member("line", problem.line)
            writer.member("column", problem.column)
            writer.member("field", problem.field)
            writer.member("problem", problem.problem)
        }
        Output.line(writer.bytes)
    }

    private func say(_ size: PolicyCheck.Size) {
        guard !quiet else { return }
        guard json else {
            return Output.line(
                "\(size.origin.file):\(size.origin.line): \(size.identity): \(size.rules) rules, \(size.states) states, \(size.kibibytes) KiB")
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", "policy")
            writer.member("file", size.origin.file)
            writer.member("line", size.origin.line)
            writer.member("identity", size.identity)
            writer.member("rules", size.rules)
            writer.member("states", size.states)
            writer.member("kib", size.kibibytes)
        }
        Output.line(writer.bytes)
    }
}
