extension GlobParser {
    /// The set whose `[` is behind us.
    mutating func set(from start: Int) throws(GlobError) -> ByteSet {
        let unterminated = failure(start, "[ without ]: write \\[ for the character")
        var named = ByteSet()
        var isNegated = false
        if position < bytes.count, bytes[position] == UInt8(ascii: "^") {
            isNegated = true
            position += 1
        } else if position < bytes.count, bytes[position] == UInt8(ascii: "!") {
            throw failure(position, "[! means \"not\" to shells and \"!\" to AppArmor: write [^ or [\\!")
        }
        guard position < bytes.count else { throw unterminated }
        guard bytes[position] != UInt8(ascii: "]") else {
            throw failure(start, "an empty set matches nothing: write \\] for the character")
        }
        while true {
            guard position < bytes.count else { throw unterminated }
            if bytes[position] == UInt8(ascii: "]") { break }
            let first = position
            let low = try member(unterminated)
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "-"), bytes[position + 1] != UInt8(ascii: "]") else {
                named.insert(low)
                continue
            }
            position += 1
            let high = try member(unterminated)
            guard low <= high else { throw failure(first, "a range that ends before it begins") }
            for byte in low...high { named.insert(byte) }
        }
        position += 1
        let result = (isNegated ? ByteSet((1...255).lazy.filter { !named.contains($0) }) : named).withoutSlash
        guard !result.isEmpty else {
            throw failure(start, "this set matches nothing\(named.contains(UInt8(ascii: "/")) ? ": sets never match /" : "")")
        }
        return result
    }

    private mutating func member(_ unterminated: GlobError) throws(GlobError) -> UInt8 {
        let start = position
        if bytes[position] == UInt8(ascii: "\\") {
            position += 1
            guard position < bytes.count else { throw unterminated }
        } else if bytes[position] == UInt8(ascii: "["), position + 1 < bytes.count, ":.=".utf8.contains(bytes[position + 1]) {
            throw failure(start, "named classes such as [:alpha:] are not known here: write a range")
        }
        let byte = bytes[position]
        position += 1
        guard byte != 0 else { throw failure(start, "a path has no NUL") }
        // One such character is several bytes, and a set stands for one.
        guard byte < 0x80 else { throw failure(start, "a set holds ASCII characters only: write {a,b} for others") }
        return byte
    }
}

extension ByteSet {
    var withoutSlash: ByteSet {
        var copy = self
        copy.remove(UInt8(ascii: "/"))
        return copy
    }
}

/// What can stand right before a place in a pattern. It finds what no path of the kernel's has, also across alternatives: `/{,usr}/bin`
/// could only match `//bin` and would leave `/bin` out without a word.
struct GlobShapes: OptionSet {
    let rawValue: UInt8

    static let slash = GlobShapes(rawValue: 1)
    /// A component that is `.` so far.
    static let dot = GlobShapes(rawValue: 2)
    static let dots = GlobShapes(rawValue: 4)
    static let other = GlobShapes(rawValue: 8)
    /// In a memfd's name nothing is forbidden.
    static let freeText = GlobShapes(rawValue: 16)

    mutating func add(_ shape: GlobShapes) { self = contains(.freeText) ? .freeText : shape }

    mutating func append(_ byte: UInt8) {
        if byte == UInt8(ascii: "/") { return add(.slash) }
        guard byte == UInt8(ascii: ".") else { return add(.other) }
        var next: GlobShapes = []
        if contains(.slash) { next.insert(.dot) }
        if contains(.dot) { next.insert(.dots) }
        if !isDisjoint(with: [.dots, .other]) { next.insert(.other) }
        add(next)
    }

    var problemAtSlash: String? {
        if contains(.slash) { return "// stands in no path" }
        return isDisjoint(with: [.dot, .dots]) ? nil : "the components . and .. stand in no path"
    }

    var problemAtEnd: String? {
        if contains(.slash) { return "a path has no / at its end: leave it out, or write /** for what is below" }
        return isDisjoint(with: [.dot, .dots]) ? nil : "the components . and .. stand in no path"
    }
}
