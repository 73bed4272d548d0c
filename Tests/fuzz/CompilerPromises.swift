@testable import Core

extension PolicyPromises {
    /// Small, so that one input takes milliseconds; the limits of the product are the same code.
    private static let limits: PolicySetLimits = {
        var limits = PolicySetLimits()
        (limits.states, limits.work, limits.cells) = (1 << 13, 1 << 18, 1 << 15)
        return limits
    }()

    /// A set is the same whenever it is made, and knows all that its rules name. False if it is too large.
    static func compiles(_ policies: [Policy]) throws(BrokenPromise) -> Bool {
        let input = PolicySetInput(policies: policies, posture: Postures(.block))
        let set: CompiledPolicySet
        do throws(PolicySetError) { set = try PolicySetCompiler.compile(input, limits: limits) } catch {
            try promise(error.reached > error.maximum && !error.description.isEmpty, "\(error)")
            return false
        }
        let again = try? PolicySetCompiler.compile(input, limits: limits)
        try promise(again?.digest == set.digest && again?.cells == set.cells, "two images of one set")
        guard let image = PolicySetImage(cells: set.cells) else { throw BrokenPromise(description: "no image") }
        for rule in policies.flatMap(\.rules) {
            if case .path(let path) = rule.target, rule.section == .process || rule.section == .file {
                try promise(image.place(rule.section, path.utf8).row != 0, "no rule for \(path.debugDescription)")
            }
            for source in rule.sources {
                guard case .path(let path) = source else { continue }
                try promise(image.sourceClass(path: path.utf8) != 0, "no rule from \(path.debugDescription)")
            }
        }
        let named = Set(set.namedPaths().map { Array($0.path.utf8) })
        for rule in policies.flatMap(\.rules) where rule.action == .block {
            if case .path(let path) = rule.target { try promise(named.contains(Array(path.utf8)), "\(path.debugDescription) is not named") }
        }
        return true
    }

    /// A pattern written in another way is the same pattern.
    static func glob(_ glob: Glob) throws(BrokenPromise) {
        guard glob.elements.allSatisfy(isPlain) else { return }
        let text = glob.elements.map(written).joined()
        guard text.utf8.count <= Glob.lengthLimit else { return }
        try promise((try? Glob(parsing: text))?.elements == glob.elements, "\(glob.text.debugDescription) became \(text.debugDescription)")
    }

    /// Bytes beyond ASCII come in pairs and more, and are left out here.
    private static func isPlain(_ element: Glob.Element) -> Bool {
        switch element {
        case .byte(let byte): byte < 0x80
        case .alternatives(let list): list.allSatisfy { $0.allSatisfy(isPlain) }
        default: true
        }
    }

    private static func written(_ element: Glob.Element) -> String {
        switch element {
        case .byte(let byte): ("*?[]{},\\".utf8.contains(byte) ? "\\" : "") + String(UnicodeScalar(byte))
        case .withinComponent: "*"
        case .acrossComponents: "**"
        case .alternatives(let list): "{" + list.map { $0.map(written).joined() }.joined(separator: ",") + "}"
        case .set(let set):
            if set.contains(0xFF) {
                (1..<0x80).contains { $0 != 0x2F && !set.contains($0) } ? "[^" + members { !set.contains($0) } + "]" : "?"
            } else {
                "[" + members(set.contains) + "]"
            }
        }
    }

    private static func members(_ isMember: (UInt8) -> Bool) -> String {
        (1..<0x80).filter { $0 != 0x2F && isMember($0) }.map { "\\" + String(UnicodeScalar($0)) }.joined()
    }
}
