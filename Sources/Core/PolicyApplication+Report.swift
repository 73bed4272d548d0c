extension PolicyApplication {
    /// Compiles each policy by itself, so that one that no container could ever have is refused where it comes in, and not when a container
    /// starts. The first that fails is named with what made it so large; the others are not tried, since trying may take long.
    public mutating func checkEach(_ library: PolicyLibrary, _ posture: Posture) { checkEach(library, posture, PolicySetLimits()) }

    mutating func checkEach(_ library: PolicyLibrary, _ posture: Posture, _ limits: PolicySetLimits) {
        for write in writes where write.text != nil {
            guard let policy = library.policy(write.identity) else { continue }
            do throws(PolicySetError) {
                _ = try PolicySetCompiler.compile(PolicySetInput(policies: [policy], posture: posture), limits: limits)
            } catch {
                let place = policy.origin
                return refuse(
                    PolicyProblem(file: place.file, line: place.line, column: 1, field: "spec", problem: "\(policy.identity): \(error)"))
            }
        }
    }

    /// Nothing is done after all.
    public mutating func refuse(_ problem: PolicyProblem) {
        errors.append(problem)
        writes = []
        change = PolicyChange()
    }

    /// One JSON object. `keptOlder`: containers that keep what they had, and why.
    public func json(keptOlder: [String]) -> [UInt8] {
        let moved = Set(change.added + change.changed)
        let lists: [(String, [String])] = [
            ("added", change.added), ("changed", change.changed), ("removed", change.removed),
            ("unchanged", writes.filter { $0.text != nil && !moved.contains($0.identity) }.map(\.identity)),
            ("errors", errors.map(\.description)), ("warnings", warnings.map(\.description)), ("containersWithOlderPolicies", keptOlder),
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
