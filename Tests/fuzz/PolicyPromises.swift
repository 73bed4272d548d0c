import HookWire

@testable import Core

/// What the readers of policies promise about what they let through.
enum PolicyPromises {
    static func documents(_ documents: [YAMLDocument], of text: [UInt8]) throws(BrokenPromise) {
        var end = 0
        for (number, document) in documents.enumerated() {
            let bytes = document.bytes
            try promise(bytes.lowerBound >= end && bytes.upperBound <= text.count, "document \(number) is at \(bytes)")
            end = bytes.upperBound
            try promise(document.line > 0, "document \(number) is on line \(document.line)")
            try promise(!document.endsTheText || number == documents.count - 1, "something follows the end")
            switch document.content {
            case .failure(let error): try promise(error.line > 0 && error.column > 0 && !error.problem.isEmpty, "\(error)")
            case .success(let node):
                // Read alone, its part gives the same document. Where something follows that cannot be read, the last part may hold that, too.
                let alone = YAMLParser.documents(Array(text[bytes]))
                let isWhole = documents.last?.endsTheText != true
                guard alone.count == 1 || !isWhole, let first = alone.first, case .success(let again) = first.content else {
                    if !isWhole { continue }
                    throw BrokenPromise(description: "document \(number) alone is \(alone)")
                }
                try promise(isSame(node, again), "document \(number) is another one alone")
            }
        }
    }

    /// But for their places.
    private static func isSame(_ left: YAMLNode, _ right: YAMLNode) -> Bool {
        switch (left.value, right.value) {
        case (.scalar(let text, let quoted), .scalar(let other, let otherQuoted)): Array(text.utf8) == Array(other.utf8) && quoted == otherQuoted
        case (.sequence(let elements), .sequence(let others)): elements.count == others.count && zip(elements, others).allSatisfy { isSame($0, $1) }
        case (.mapping(let members), .mapping(let others)):
            members.count == others.count && zip(members, others).allSatisfy { Array($0.key.utf8) == Array($1.key.utf8) && isSame($0.value, $1.value) }
        default: false
        }
    }

    static func file(_ file: PolicyFile, of text: [UInt8]) throws(BrokenPromise) {
        // Whatever counts as an end of line in YAML; libyaml may name the line behind the last.
        let lines = text.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 2
        for problem in file.errors + file.warnings {
            try promise((1...lines).contains(problem.line) && problem.column > 0, "\(problem) stands nowhere")
            try promise(problem.description.utf8.allSatisfy { $0 >= 0x20 }, "\(problem) is more than a line")
        }
        try promise(Set(file.policies.map(\.identity)).count == file.policies.count, "two policies with one name")
        for policy in file.policies { for rule in policy.rules { try self.rule(rule) } }
    }

    private static func rule(_ rule: PolicyRule) throws(BrokenPromise) {
        try promise((0...10).contains(rule.severity), "severity \(rule.severity)")
        try promise(!rule.readOnly || rule.section == .file, "readOnly")
        try promise(rule.allowedArguments.isEmpty || rule.section == .process, "allowedArgs")
        switch rule.target {
        case .path(let path): try self.path(path)
        case .directory(let path, _): if !path.isEmpty { try self.path(path) }
        case .executableName(let name): try promise(!name.isEmpty && !name.utf8.contains(0x2F) && !name.utf8.contains(0), "the name \(name)")
        case .pattern(let glob): try self.glob(glob)
        case .domain(let name): try promise(DomainName.normal(name) == name, "the domain \(name)")
        case .systemCall(_, let place):
            switch place {
            case .anywhere: break
            case .path(let path): try self.path(path)
            case .directory(let path, _): if !path.isEmpty { try self.path(path) }
            }
        case .socket, .capability, .preset: break
        }
        for source in rule.sources {
            switch source {
            case .path(let path): try self.path(path)
            case .directory(let path, _): if !path.isEmpty { try self.path(path) }
            }
        }
    }

    /// Absolute, without `.`, `..`, doubled slashes or one at the end: as the kernel sees it, in bytes.
    private static func path(_ path: String) throws(BrokenPromise) {
        if path.hasPrefix("memfd:") { return }
        let parts = Array(path.utf8).split(separator: 0x2F, omittingEmptySubsequences: false)
        try promise(path.utf8.first == 0x2F && !path.utf8.contains(0), "the path \(path)")
        let isPlain = parts.dropFirst().allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        try promise(isPlain, "the path \(path.debugDescription)")
    }

    /// What would be stored for each policy gives that policy again.
    static func stored(_ file: PolicyFile, _ text: [UInt8]) throws(BrokenPromise) {
        guard file.errors.isEmpty, !file.policies.isEmpty, text.count < 8192 else { return }
        var library = PolicyLibrary(), restarted = PolicyLibrary()
        let result = library.apply(text, name: "f.yaml", isMeant: true)
        for write in result.writes {
            try promise(isSafe(write.identity), "\(write.identity) is no file's name")
            guard let stored = write.text else { throw BrokenPromise(description: "\(write.identity) is deleted") }
            let again = PolicyParser.parse(stored, file: "f.yaml").policies
            try promise(again.map(placeless) == file.policies.filter { $0.identity == write.identity }.map(placeless), "\(write.identity) is stored as something else")
            restarted.restore(write.identity, stored, name: "f.yaml")
        }
        try promise(restarted.policies.map(placeless) == library.policies.map(placeless) && restarted.problems.isEmpty, "\(restarted.problems) after a restart")
    }

    private static func isSafe(_ identity: String) -> Bool {
        let parts = identity.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { $0.first != UInt8(ascii: ".") && (1...255).contains($0.count) && $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
    }

    private static func placeless(_ policy: Policy) -> Policy {
        var copy = policy
        copy.origin.line = 0
        for index in copy.rules.indices { copy.rules[index].line = 0 }
        return copy
    }
}
