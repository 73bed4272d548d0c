/// All policies there are: those of files, and those that clients applied. Pure: whoever owns it reads and writes the files.
///
/// A policy has one definition in force. Where several have its identity, files go before applied policies and, among files, the first by
/// name; the others are errors until it is gone.
public struct PolicyLibrary: Sendable {
    /// Applied policies that are kept; one more is refused.
    public static let appliedLimit = 10_000

    /// In force, sorted by identity.
    public private(set) var policies: [Policy] = []
    private var byNamespace: [String: [Policy]] = [:]
    private var selection: [String: PolicySelection] = [:]
    private var files: [FileName: PolicyFileState] = [:]
    var applied: [String: AppliedPolicy] = [:]
    /// By identity, the errors of applied policies that could not be taken in again.
    var unrestored: [String: [PolicyProblem]] = [:]
    private var clashes: [PolicyProblem] = []
    /// Policies of this host that are not put in force, by identity.
    private var held: [String: PolicyProblem] = [:]
    /// The policies that files define, by identity.
    private(set) var ofFiles: [String: Policy] = [:]
    var fit: PolicyFit

    /// - Parameters:
    ///   - posture: What policies are compiled with to see whether they fit.
    ///   - hazard: What policies of this host are not to lock out.
    public init(posture: Postures = .audit, node: NodeLabels? = nil, hazard: HostHazard? = nil) {
        self.init(fit: PolicyFit(posture: posture, hazard: hazard, node: node))
    }

    init(fit: PolicyFit) { self.fit = fit }

    /// Takes in a file's new content; nil: the file is gone, and its policies with it.
    @discardableResult
    public mutating func update(file: String, text: [UInt8]?) -> PolicyChange { update([(file, text)]) }

    /// Takes in several files' new contents at once, as at the start.
    @discardableResult
    public mutating func update(_ contents: [(file: String, text: [UInt8]?)]) -> PolicyChange {
        for (file, text) in contents {
            guard let text else {
                files[FileName(file)] = nil
                continue
            }
            let former = files[FileName(file)]
            files[FileName(file)] = PolicyFileState(fit.checked(PolicyParser.parse(text, file: file), after: former), after: former)
        }
        return compose()
    }

    /// Says that a file is there but could not be read, or has more than `PolicyParser.fileLimit` bytes. What it held stays in force.
    @discardableResult
    public mutating func update(file: String, unreadable problem: String) -> PolicyChange {
        var parsed = PolicyFile()
        parsed.errors = [PolicyProblem(file: file, line: 1, column: 1, field: "", problem: problem)]
        files[FileName(file)] = PolicyFileState(parsed, after: files[FileName(file)])
        return compose()
    }

    /// What of the machine policies are held against from now on. True if that has changed.
    public mutating func update(node: NodeLabels, hostPosture: Postures) -> Bool {
        guard fit.node != node || fit.hazard.map({ $0.posture != hostPosture }) == true else { return false }
        fit.node = node
        fit.hazard?.posture = hostPosture
        hold()
        return true
    }

    /// Finds the policies of this host that would lock people out now: their posture may be another one than when they were read, or the machine's labels.
    private mutating func hold() {
        held = [:]
        guard let node = fit.node, let hazard = fit.hazard else { return }
        for policy in byNamespace[Policy.hostNamespace] ?? [] where node.isSelected(by: policy.selector) { held[policy.identity] = hazard.problem(of: policy) }
    }

    /// The policies for a container, sorted by identity.
    public func selected(for container: ContainerLabels) -> [Policy] {
        let own = selection[container.namespace]?.selected(for: container) ?? []
        let cluster = selection[Policy.clusterNamespace]?.selected(for: container) ?? []
        // By index is by identity, over both.
        return (cluster.isEmpty ? own : (own + cluster).sorted()).map { policies[$0] }
    }

    /// The policies for the processes of this machine that are in no container, sorted by identity.
    public func selected(for node: NodeLabels) -> [Policy] {
        (byNamespace[Policy.hostNamespace] ?? []).filter { node.isSelected(by: $0.selector) && held[$0.identity] == nil }
    }

    /// The policy in force under this identity.
    public func policy(_ identity: String) -> Policy? {
        var range = policies[...]
        while let middle = range.indices.isEmpty ? nil : range.startIndex + range.count / 2 {
            if policies[middle].identity == identity { return policies[middle] }
            range = policies[middle].identity < identity ? range[(middle + 1)...] : range[..<middle]
        }
        return nil
    }

    /// What is not in force as written, by file.
    public var problems: [PolicyProblem] {
        files.keys.sorted().flatMap { files[$0]?.errors ?? [] } + unrestored.keys.sorted().flatMap { unrestored[$0] ?? [] } + clashes + heldBack
    }

    /// Of these, policies of this host that are not put in force, because they would lock people out as things are now.
    public var heldBack: [PolicyProblem] { held.keys.sorted().compactMap { held[$0] } }

    /// What policies ask for that is not done, by file and then by applied policy.
    public var warnings: [PolicyProblem] {
        files.keys.sorted().flatMap { files[$0]?.warnings ?? [] } + applied.keys.sorted().flatMap { applied[$0]?.warnings ?? [] }
    }

    /// The state of each file, sorted by name.
    public var fileStates: [(file: String, state: PolicyFileState)] { files.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) } }

    /// Gives each policy its definition in force.
    mutating func compose() -> PolicyChange {
        clashes = []
        var all: [String: Policy] = [:]
        for policy in files.keys.sorted().flatMap({ files[$0]?.policies ?? [] }) { add(policy, to: &all) }
        ofFiles = all
        for identity in applied.keys.sorted() { if let policy = applied[identity]?.policy { add(policy, to: &all) } }
        let before = policies
        policies = all.keys.sorted().compactMap { all[$0] }
        byNamespace = Dictionary(grouping: policies, by: \.namespace)
        selection = Dictionary(grouping: policies.indices, by: { policies[$0].namespace }).mapValues { PolicySelection(policies, $0) }
        hold()
        return PolicyChange(from: before, to: policies)
    }

    private mutating func add(_ policy: Policy, to all: inout [String: Policy]) {
        if let first = all[policy.identity] { clashes.append(Self.clash(policy, first)) } else { all[policy.identity] = policy }
    }

    static func clash(_ policy: Policy, _ first: Policy) -> PolicyProblem {
        PolicyProblem(
            file: policy.origin.file, line: policy.origin.line, column: 1, field: "metadata.name",
            problem: "\(policy.identity) is defined at \(first.origin.file):\(first.origin.line) already, which stays in force")
    }
}
