import CABI

/// A path that a Block rule names, and where it leads in the set's automata. The file behind it is known by identity too, so that
/// another name of it (a volume mounted twice, a link that the image brings) is judged like this one.
public struct NamedPath: Equatable, Sendable {
    public let path: String
    /// 0: no process rule matches it.
    public let processRow: UInt32
    public let fileRow: UInt32
    /// PC_CELL_NAMED_BLOCK and PC_CELL_NAMED_ALLOW of its place among process rules, shifted down by 56.
    public let processFlags: UInt32
}

extension CompiledPolicySet {
    private var namingRules: some Sequence<PolicyRule> {
        policies.lazy.flatMap(\.rules).filter { rule in
            if case .path = rule.target { rule.action == .block } else { false }
        }
    }

    /// Whether any Block rule names a path.
    public var namesFiles: Bool { namingRules.contains { _ in true } }

    /// The paths that Block rules name, each once.
    public func namedPaths() -> [NamedPath] {
        guard namesFiles, let image = PolicySetImage(cells: cells) else { return [] }
        var seen: Set<[UInt8]> = []
        var found: [NamedPath] = []
        for rule in namingRules {
            guard case .path(let path) = rule.target, seen.insert(Array(path.utf8)).inserted else { continue }
            let process = image.place(.process, path.utf8), file = image.place(.file, path.utf8)
            let flags = (process.isNamedByBlock ? PC_CELL_NAMED_BLOCK : 0) | (process.isNamedByAllow ? PC_CELL_NAMED_ALLOW : 0)
            found.append(NamedPath(path: path, processRow: process.row, fileRow: file.row, processFlags: UInt32(flags >> 56)))
        }
        return found
    }
}
