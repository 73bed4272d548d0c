import CABI

extension PolicyFindings {
    /// Bytes of a path that can be judged.
    private static let pathLimit = Int(PC_PATH_BYTES)
    /// Bytes of a file's name on Linux.
    private static let nameLimit = 255

    /// The path of a file.
    mutating func path(_ node: YAMLNode, _ name: String) -> String? {
        guard let text = absolute(node, name) else { return nil }
        // The name of an anonymous file is free text.
        if text.hasPrefix("memfd:") { return text }
        guard text.utf8.last != UInt8(ascii: "/") else {
            error(node, name, "ends in / and can be no file: leave the / out, or write matchDirectories with dir")
            return nil
        }
        guard checkComponents(text, node, name) else { return nil }
        warnOfGlobs(text, node, name)
        return text
    }

    /// A directory without its final slash, "" for `/`.
    mutating func directory(_ node: YAMLNode, _ name: String, completes: Bool = false) -> String? {
        guard var text = absolute(node, name) else { return nil }
        if completes, !text.hasSuffix("/") { text += "/" }
        guard text.hasSuffix("/") else {
            error(node, name, "a directory ends in /: write \(Self.shown(text))/")
            return nil
        }
        let directory = String(text.dropLast())
        guard checkComponents(directory, node, name) else { return nil }
        warnOfGlobs(directory, node, name)
        return directory
    }

    mutating func pattern(_ node: YAMLNode, _ name: String) -> Glob? {
        guard let text = absolute(node, name) else { return nil }
        do { return try Glob(parsing: text) } catch {
            self.error(node, name, "\(Self.shown(text)): \(error)")
            return nil
        }
    }

    mutating func executableName(_ node: YAMLNode, _ name: String) -> String? {
        guard let text = text(node, name) else { return nil }
        guard !text.utf8.contains(UInt8(ascii: "/")), !text.isEmpty, text != ".", text != "..", text.utf8.count <= Self.nameLimit else {
            error(node, name, "expected the name of a program: one component of at most \(Self.nameLimit) bytes, without /")
            return nil
        }
        warnOfGlobs(text, node, name)
        return text
    }

    private mutating func absolute(_ node: YAMLNode, _ name: String) -> String? {
        guard var text = text(node, name) else { return nil }
        guard text.utf8.first == UInt8(ascii: "/") || (text.hasPrefix("memfd:") && !name.hasSuffix(".dir")) else {
            error(node, name, "\(Self.shown(text)) is not absolute: it must begin with /")
            return nil
        }
        guard text.utf8.count <= Self.pathLimit else {
            error(node, name, "\(text.utf8.count) bytes; a path has at most \(Self.pathLimit)")
            return nil
        }
        if text.utf8.starts(with: "//".utf8) {
            // KubeArmor's schema allows it and means one.
            text = "/" + String(Substring(text.utf8.drop { $0 == UInt8(ascii: "/") }))
            warn(node, name, "begins with several /: read as one")
        }
        return text
    }

    private mutating func checkComponents(_ path: String, _ node: YAMLNode, _ name: String) -> Bool {
        // Bytes, as the kernel has it: a slash and a combining mark behind it are one character, but not one component.
        for component in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
            if component.isEmpty {
                error(node, name, "// stands in no path: write one /")
            } else if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
                error(node, name, "the components . and .. stand in no path: write the path that is meant")
            } else if component.count > Self.nameLimit {
                error(node, name, "a component of more than \(Self.nameLimit) bytes stands in no path")
            } else {
                continue
            }
            return false
        }
        return true
    }

    /// Under AppArmor, KubeArmor's paths are patterns; here they are taken as written.
    private mutating func warnOfGlobs(_ text: String, _ node: YAMLNode, _ name: String) {
        guard let character = text.first(where: { "*?[{".contains($0) }) else { return }
        warn(node, name, "\(character) stands for itself here: write matchPatterns if a pattern is meant")
    }
}
