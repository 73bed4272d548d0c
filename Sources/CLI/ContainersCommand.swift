import ArgumentParser
import Client
import Core
import FoundationEssentials

struct ContainersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "containers", abstract: "List the containers that the kernel knows.",
        discussion: "Examples:\n  portcullis containers\n  portcullis containers -o wide 3f2a91")

    enum Style: String, ExpressibleByArgument, CaseIterable { case wide }

    @OptionGroup var connection: ConnectionOptions

    @Option(name: .shortAndLong, help: "More columns.")
    var output: Style?

    @Argument(help: "Only the containers whose id starts so.", completion: Completions.containers)
    var prefix = ""

    private struct Item: Decodable {
        let id, name, pod, namespace, image, runtime, state, bundle: String
        let pid, mountNamespace, pidNamespace, slot, tasks, ageSeconds: Int
    }

    func run() throws {
        var matched = 0
        try reportingErrors {
            var conversation = try ControlConnection(connection.socket, .containers)
            var titles = ["ID", "NAME", "POD", "NAMESPACE", "IMAGE", "PID", "AGE", "STATE"]
            if output == .wide { titles += ["MNT-NS", "PID-NS", "TASKS", "SLOT", "RUNTIME", "BUNDLE"] }
            var table = Table(titles)
            while let json = try conversation.next() {
                let item = try JSONDecoder().decode(Item.self, from: Data(json))
                guard item.id.hasPrefix(prefix) else { continue }
                matched += 1
                if connection.json {
                    Output.line(json)
                    continue
                }
                // As Docker and podman do: 12 digits of a generated id, all of one that a person chose.
                let isGenerated = item.id.count == 64 && item.id.allSatisfy(\.isHexDigit)
                var cells = [
                    isGenerated && output != .wide ? String(item.id.prefix(12)) : item.id, item.name, item.pod, item.namespace,
                    item.image, "\(item.pid)", Duration.text(seconds: item.ageSeconds), item.state,
                ]
                if output == .wide {
                    cells += ["\(item.mountNamespace)", "\(item.pidNamespace)", "\(item.tasks)", "\(item.slot)", item.runtime, item.bundle]
                }
                table.add(cells)
            }
            if !connection.json { table.print() }
        }
        if matched == 0, !prefix.isEmpty {
            Output.complain("portcullis: no container's id starts with \(prefix)")
            throw Exit.noMatch
        }
    }
}
