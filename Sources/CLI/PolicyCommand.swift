import ArgumentParser
import Client
import Core
import FoundationEssentials

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Apply, delete, list, show and check policies.",
        discussion: "Example:\n  portcullis policy validate web.yaml && portcullis policy apply web.yaml",
        subcommands: [PolicyApplyCommand.self, PolicyDeleteCommand.self, PolicyListCommand.self, PolicyShowCommand.self, PolicyValidateCommand.self])
}

/// What became of a request to change policies.
private struct PolicyOutcome: Decodable {
    let accepted: Bool
    let added, changed, removed, unchanged, errors, warnings, notes, containersWithOlderPolicies: [String]

    /// Milliseconds: the daemon compiles the sets of all containers that are concerned before it answers.
    private static let patience = 120_000

    /// Sends a request and prints what came of it.
    static func request(_ options: ConnectionOptions, _ command: ControlProtocol.Command, _ bytes: [UInt8]) throws {
        try reportingErrors {
            var conversation = try ControlConnection(options.socket, command, bytes: bytes, patience: patience)
            guard let item = try conversation.next() else { throw PortcullisError(.peer, "the daemon sent no answer") }
            let outcome = try JSONDecoder().decode(PolicyOutcome.self, from: Data(item))
            if options.json { Output.line(item) } else { outcome.show() }
            guard outcome.accepted else { throw Exit.refused }
        }
    }

    private func show() {
        for warning in warnings { Output.complain(Output.clean("warning: \(warning)")) }
        for error in errors { Output.complain(Output.clean(error)) }
        guard accepted else { return Output.complain("portcullis: nothing was applied") }
        for (word, identities) in [("added", added), ("changed", changed), ("unchanged", unchanged), ("deleted", removed)] {
            for identity in identities { Output.line("\(identity) \(word)") }
        }
        for note in notes { Output.complain(Output.clean("note: \(note)")) }
        for container in containersWithOlderPolicies {
            Output.complain(Output.clean("warning: a container keeps the policies that it had: \(container)"))
        }
    }
}

struct PolicyApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Put the policies of a file in force, all of them or none.",
        discussion: """
            They stay in force until they are deleted, also across restarts. A policy of the same name is replaced.

            Examples:
              portcullis policy apply web.yaml
              portcullis policy apply - <web.yaml
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Also policies of this host that would lock people out.")
    var force = false

    @Argument(help: "A YAML file; - is standard input.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var file: String

    func run() throws {
        try reportingErrors {
            let submission = PolicySubmission(name: file == "-" ? "(standard input)" : file, text: try PolicyText.read(file))
            try PolicyOutcome.request(connection, force ? .forcePolicies : .applyPolicies, submission.encoded)
        }
    }
}

struct PolicyDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an applied policy.", discussion: "Example:\n  portcullis policy delete shop/web")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "NAMESPACE/NAME, or NAME in the namespace default.", completion: Completions.policies)
    var policy: String

    func run() throws { try PolicyOutcome.request(connection, .deletePolicy, Array(PolicyText.identity(policy).utf8)) }
}

struct PolicyListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the policies in force.", discussion: "Example:\n  portcullis policy list --json | jq -r .identity")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .policies)
            var table = Table(["POLICY", "CONTAINERS", "RULES", "MODE", "ORIGIN"])
            while let json = try conversation.next() {
                if connection.json {
                    Output.line(json)
                    continue
                }
                let policy = try JSONDecoder().decode(PolicySummary.self, from: Data(json))
                table.add([policy.identity, policy.reach, policy.rules, policy.mode, policy.origin])
            }
            if !connection.json { table.print() }
        }
    }
}

/// The policy itself as the daemon reports it.
struct PolicySummary: Decodable {
    let identity, source, file: String
    let line, selected: Int
    let allowsMounts, forHosts, selectsThisHost: Bool
    let matchLabels, nodeLabels, modes: [String: String]
    let anyOf, noneOf, namespaces, exceptNamespaces, containerNames, containers: [String]
    let ruleCounts: [String: Int]

    var origin: String { source == "applied" ? "applied" : "\(file):\(line)" }

    /// How many containers it is for.
    var reach: String { forHosts ? (selectsThisHost ? "this host" : "not this host") : "\(selected)" }

    var rules: String {
        let parts = ["Allow", "Audit", "Block"].compactMap { action in
            ruleCounts[action].flatMap { $0 > 0 ? "\($0) \(action)" : nil }
        }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }

    /// Sections without rules go without saying.
    var mode: String {
        PolicyRule.Section.allCases.map(\.rawValue).compactMap { section in
            modes[section].flatMap { $0 == "none" ? nil : "\(section) \($0)" }
        }.joined(separator: ", ")
    }
}
