import ArgumentParser
import Core

/// Which alerts and logs are meant.
struct FilterOptions: ParsableArguments {
    @Option(name: .customLong("namespace"), help: ArgumentHelp("Only of containers in this namespace.", valueName: "name"))
    var namespaces: [String] = []

    @Option(name: .customLong("pod"), help: ArgumentHelp("Only of this pod's containers.", valueName: "name"))
    var pods: [String] = []

    @Option(
        name: .customLong("container"), help: ArgumentHelp("Only of containers with this name, or whose id starts so.", valueName: "container"),
        completion: Completions.containers)
    var containers: [String] = []

    @Option(name: .customLong("policy"), help: ArgumentHelp("Only alerts of this policy: NAME or NAMESPACE/NAME.", valueName: "policy"), completion: Completions.policies)
    var policies: [String] = []

    @Option(
        name: .customLong("operation"), help: ArgumentHelp("Only this: Process, File, Network, Capabilities, Syscall.", valueName: "operation"),
        completion: .list(["Process", "File", "Network", "Capabilities", "Syscall"]))
    var operations: [String] = []

    @Option(name: .customLong("result"), help: ArgumentHelp("Only what ended so: passed, denied, or an error's own words.", valueName: "result"), completion: .list(["passed", "denied"]))
    var results: [String] = []

    @Option(
        name: .customLong("action"), help: ArgumentHelp("Only alerts with this action: Block, Audit, 'Audit (Block)'.", valueName: "action"),
        completion: .list(["Block", "Audit", "Audit (Block)"]))
    var actions: [String] = []

    var filter: MessageFilter {
        var filter = MessageFilter()
        (filter.namespaces, filter.pods, filter.containers, filter.policies) = (namespaces, pods, containers, policies)
        (filter.operations, filter.results, filter.actions) = (operations, results, actions)
        return filter
    }
}
