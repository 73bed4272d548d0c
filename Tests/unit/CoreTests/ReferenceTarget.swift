import Core

/// One target of a rule, by recursion over its glob after its alternatives were written out.
struct ReferenceTarget {
    private enum Kind {
        case path([UInt8])
        case directory([UInt8], recursive: Bool)
        case name([UInt8])
        case pattern([[Glob.Element]], heads: [[Glob.Element]])
    }
    private let kind: Kind
    private static let slash = UInt8(ascii: "/")

    init(_ target: PolicyRule.Target) {
        switch target {
        case .path(let path): kind = .path(Array(path.utf8))
        case .directory(let directory, let recursive): kind = .directory(Array(directory.utf8), recursive: recursive)
        case .executableName(let name): kind = .name([Self.slash] + name.utf8)
        case .pattern(let glob):
            var head = glob.elements
            while head.last == .acrossComponents { head.removeLast() }
            if head.isEmpty || head == [.byte(Self.slash)] || glob.elements.dropFirst().first == .acrossComponents && glob.elements[0] == .byte(Self.slash) {
                kind = .pattern(Self.expand(glob.elements), heads: [])
            } else {
                kind = .pattern(Self.expand(glob.elements), heads: Self.expand(head))
            }
        case .socket, .capability, .domain, .preset, .systemCall: kind = .path([])
        }
    }

    func matches(_ path: [UInt8]) -> Bool {
        switch kind {
        case .path(let target): return path == target
        case .name(let name): return path.count >= name.count && Array(path.suffix(name.count)) == name
        case .directory(let directory, let recursive):
            if path == directory || (directory.isEmpty && path == [Self.slash]) { return true }
            guard path.starts(with: directory), path.count > directory.count, path[directory.count] == Self.slash else { return false }
            return recursive || !path[(directory.count + 1)...].contains(Self.slash)
        case .pattern(let sequences, _): return sequences.contains { Self.match($0, 0, path, 0, prefix: false) }
        }
    }

    /// Whether the path with something behind it that begins with a slash is what the target names, its final `**` aside.
    func isBeneath(_ path: [UInt8]) -> Bool {
        let above = path + [Self.slash]
        switch kind {
        case .path(let target): return target.starts(with: above)
        case .name: return false
        case .directory(let directory, _): return (directory + [Self.slash]).starts(with: above)
        case .pattern(_, let heads): return heads.contains { Self.match($0, 0, above, 0, prefix: true) }
        }
    }

    /// `{a,b}c` as `ac`, `bc`.
    static func expand(_ elements: some Sequence<Glob.Element>) -> [[Glob.Element]] {
        var results: [[Glob.Element]] = [[]]
        for element in elements {
            if case .alternatives(let alternatives) = element {
                let tails = alternatives.flatMap { expand($0) }
                results = results.flatMap { result in tails.map { result + $0 } }
            } else {
                results = results.map { $0 + [element] }
            }
        }
        return results
    }

    /// Whether elements from `i` match the path from `j`; with `prefix`, whether they match some path that begins so.
    static func match(_ elements: [Glob.Element], _ i: Int, _ path: [UInt8], _ j: Int, prefix: Bool) -> Bool {
        if prefix && j == path.count { return true }
        if i == elements.count { return j == path.count }
        switch elements[i] {
        case .byte(let byte): return j < path.count && path[j] == byte && match(elements, i + 1, path, j + 1, prefix: prefix)
        case .set(let set): return j < path.count && set.contains(path[j]) && match(elements, i + 1, path, j + 1, prefix: prefix)
        case .withinComponent, .acrossComponents:
            if match(elements, i + 1, path, j, prefix: prefix) { return true }
            guard j < path.count, elements[i] == .acrossComponents || path[j] != slash else { return false }
            return match(elements, i, path, j + 1, prefix: prefix)
        case .alternatives: return false
        }
    }
}
