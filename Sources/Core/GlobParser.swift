/// Why a text is no pattern, and where.
public struct GlobError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Bytes before the place, from 0.
    public let offset: Int
    public let problem: String

    public init(offset: Int, problem: String) {
        self.offset = offset
        self.problem = problem
    }

    public var description: String { "\(problem) (at byte \(offset))" }
}

extension Glob {
    /// Bytes of a pattern: what a path may have. It bounds the elements too, since each takes a byte at least.
    public static let lengthLimit = 4096
    /// Braces inside one another.
    public static let nestingLimit = 8

    /// Reads a pattern.
    ///
    /// Where AppArmor and shells disagree on a form (`[!a]`, `{a}`, `[[:alpha:]]`), it is refused instead of guessed.
    ///
    /// - Throws: `GlobError` for a text that is malformed, beyond a limit, or could match no path as the kernel names them.
    public init(parsing text: String) throws(GlobError) {
        var parser = GlobParser(text)
        self.init(text: text, elements: try parser.pattern())
    }
}

/// One run over a pattern's bytes.
struct GlobParser {
    let bytes: [UInt8]
    var position = 0
    private var nesting = 0
    /// What may stand before `position`, over all ways through the alternatives so far.
    private var shapes: GlobShapes

    init(_ text: String) {
        bytes = Array(text.utf8)
        shapes = [.other]
    }

    mutating func pattern() throws(GlobError) -> [Glob.Element] {
        guard !bytes.isEmpty else { throw failure(0, "an empty pattern matches nothing") }
        guard bytes.count <= Glob.lengthLimit else { throw failure(Glob.lengthLimit, "longer than \(Glob.lengthLimit) bytes") }
        let isMemory = bytes.starts(with: "memfd:".utf8)
        guard isMemory || bytes[0] == UInt8(ascii: "/") else { throw failure(0, "a pattern begins with / (or memfd:)") }
        // A memfd's name is free text, no path.
        if isMemory { shapes = [.freeText] }
        if bytes == [UInt8(ascii: "/")] { return [.byte(bytes[0])] }
        let sequence = try sequence(inBraces: false)
        if let problem = shapes.problemAtEnd { throw failure(bytes.count, problem) }
        return sequence
    }

    func failure(_ offset: Int, _ problem: String) -> GlobError { GlobError(offset: offset, problem: problem) }

    /// Elements up to the end, or up to the `,` or `}` that ends an alternative.
    private mutating func sequence(inBraces: Bool) throws(GlobError) -> [Glob.Element] {
        var result: [Glob.Element] = []
        while position < bytes.count {
            let start = position
            let byte = bytes[position]
            if inBraces, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") { return result }
            position += 1
            let element: Glob.Element
            switch byte {
            case UInt8(ascii: "*"):
                element = stars()
                shapes.add(.other)
            case UInt8(ascii: "?"):
                element = .set(ByteSet(1...255).withoutSlash)
                shapes.add(.other)
            case UInt8(ascii: "["):
                element = .set(try set(from: start))
                shapes.add(.other)
            case UInt8(ascii: "{"): element = .alternatives(try alternatives(from: start))
            case UInt8(ascii: "}"): throw failure(start, "} without {: write \\} for the character")
            case UInt8(ascii: "\\"):
                guard position < bytes.count else { throw failure(start, "\\ at the end: it needs a character behind it") }
                element = try literal(bytes[position], at: position)
                position += 1
            default: element = try literal(byte, at: start)
            }
            result.append(element)
        }
        return result
    }

    private mutating func literal(_ byte: UInt8, at offset: Int) throws(GlobError) -> Glob.Element {
        guard byte != 0 else { throw failure(offset, "a path has no NUL") }
        if byte == UInt8(ascii: "/"), let problem = shapes.problemAtSlash { throw failure(offset, problem) }
        shapes.append(byte)
        return .byte(byte)
    }

    /// The run of stars whose first is behind us.
    private mutating func stars() -> Glob.Element {
        let start = position
        while position < bytes.count, bytes[position] == UInt8(ascii: "*") { position += 1 }
        return position > start ? .acrossComponents : .withinComponent
    }

    private mutating func alternatives(from start: Int) throws(GlobError) -> [[Glob.Element]] {
        nesting += 1
        guard nesting <= Glob.nestingLimit else { throw failure(start, "braces nested more than \(Glob.nestingLimit) deep") }
        let before = shapes
        var after: GlobShapes = []
        var result: [[Glob.Element]] = []
        while true {
            shapes = before
            result.append(try sequence(inBraces: true))
            after.formUnion(shapes)
            guard position < bytes.count else { throw failure(start, "{ without }: write \\{ for the character") }
            position += 1
            if bytes[position - 1] == UInt8(ascii: "}") { break }
        }
        guard result.count > 1 else { throw failure(start, "one alternative in braces: write {a,b}, or \\{ \\} for the characters") }
        shapes = after
        nesting -= 1
        return result
    }
}
