extension PolicyApplication {
    /// Nothing is done after all.
    public mutating func refuse(_ problem: PolicyProblem) {
        errors.append(problem)
        writes = []
        change = PolicyChange()
    }

    /// One JSON object.
    ///
    /// - Parameters:
    ///   - keptOlder: Containers that keep what they had, and why.
    ///   - notes: What a policy came to, where that may be a surprise.
    public func json(keptOlder: [String], notes: [String] = []) -> [UInt8] {
        let moved = Set(change.added + change.changed)
        let lists: [(String, [String])] = [
            ("added", change.added), ("changed", change.changed), ("removed", change.removed),
            ("unchanged", writes.filter { $0.text != nil && !moved.contains($0.identity) }.map(\.identity)),
            ("errors", errors.map(\.description)), ("warnings", warnings.map(\.description)), ("notes", notes), ("containersWithOlderPolicies", keptOlder),
        ]
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("accepted", errors.isEmpty)
            for (name, values) in lists {
                writer.key(name)
                writer.array { writer in for value in values { writer.string(value) } }
            }
        }
        return writer.bytes
    }
}
