/// Which alerts and logs somebody wants to see. The values of one kind are alternatives; of two kinds both must be met. Nothing given lets everything through.
public struct MessageFilter: Equatable, Sendable {
    public var namespaces: [String] = []
    public var pods: [String] = []
    /// Names, or what ids begin with.
    public var containers: [String] = []
    /// A name, or NAMESPACE/NAME.
    public var policies: [String] = []
    public var operations: [String] = []
    /// `passed`, `denied`, or a result's own words.
    public var results: [String] = []
    public var actions: [String] = []

    public init() {}

    public func matches(_ message: KubeArmorMessage) -> Bool {
        // What says that others are missing concerns everybody.
        if message.isLossNotice { return true }
        return Self.meets(namespaces) { $0 == message.workload.namespace }
            && Self.meets(pods) { $0 == message.workload.pod }
            && Self.meets(containers) { isOf($0, message.workload) }
            && Self.meets(policies) { isBy($0, message) }
            && Self.meets(operations) { Self.same($0, message.operation) }
            && Self.meets(results) { isResult($0, message) }
            && Self.meets(actions) { Self.same($0, message.action) }
    }

    private static func meets(_ values: [String], _ test: (String) -> Bool) -> Bool { values.isEmpty || values.contains(where: test) }

    private static func same(_ wanted: String, _ word: String) -> Bool { wanted.lowercased() == word.lowercased() }

    private func isOf(_ wanted: String, _ workload: FeedWorkload) -> Bool {
        !workload.containerID.isEmpty && !wanted.isEmpty && (workload.containerName == wanted || workload.containerID.hasPrefix(wanted))
    }

    private func isBy(_ wanted: String, _ message: KubeArmorMessage) -> Bool {
        guard let slash = wanted.firstIndex(of: "/") else { return wanted == message.policyName }
        guard wanted[wanted.index(after: slash)...] == message.policyName else { return false }
        let namespace = wanted[..<slash]
        // A feed's alert has no namespace of its policy; a namespace's policies are for containers in it alone. Those of cluster and host are in none.
        return namespace.hasPrefix("_") ? true : namespace == message.workload.namespace
    }

    private func isResult(_ wanted: String, _ message: KubeArmorMessage) -> Bool {
        switch wanted.lowercased() {
        case "denied": message.isDenied
        case let word: word == message.result.lowercased()
        }
    }
}

extension KubeArmorMessage {
    /// What the operation of a loss notice is called.
    static let lostOperation = "Lost"

    /// It stands for messages that are missing.
    public var isLossNotice: Bool { operation == Self.lostOperation }
    public var hasPassed: Bool { result == "Passed" }
    /// It was refused: by a policy, or by whatever else the kernel asks.
    public var isDenied: Bool { result == "Permission denied" || result == "Operation not permitted" }

    public func datum(_ key: String) -> String? { eventData.first { $0.key == key }?.value }
}
