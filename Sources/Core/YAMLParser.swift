import HookWire

/// Reads YAML 1.1 with libyaml into nodes, with bounds that no honest document meets.
public enum YAMLParser {
    /// Mappings and sequences inside one another.
    static let depthLimit = 64
    /// How much deeper what is left of a refused document may be, to get to the next one.
    static let skippedDepthLimit = 64
    /// Values of one document.
    public static let nodeLimit = 100_000

    /// Reads the one document of `text`; nil if it is empty.
    ///
    /// - Throws: `YAMLError` for a syntax error, a second document, a duplicate key, an alias (they can explode), or a bound
    ///   exceeded.
    public static func parse(_ text: [UInt8]) throws(YAMLError) -> YAMLNode? {
        // libyaml would read UTF-16 too.
        if let error = notUTF8(text) { throw error.error }
        var session = YAMLSession(text)
        defer { session.close() }
        return try session.onlyDocument()
    }

    /// Reads every document of `text`. What is wrong with one (a duplicate key, an alias, a bound) leaves the others as they are; after a
    /// syntax error, or from the document with a byte that is not UTF-8, nothing more can be read, and the last result says so.
    ///
    /// - Parameters:
    ///   - limit: Documents read at most; one more is an error, and the last result.
    ///   - nodeLimit: Values of one document.
    public static func documents(_ text: [UInt8], limit: Int = .max, nodeLimit: Int = nodeLimit) -> [YAMLDocument] {
        guard let (error, lineStart) = notUTF8(text) else { return documents(checked: text, limit, nodeLimit) }
        var documents = documents(checked: Array(text[..<lastMarker(in: text, before: lineStart)]), limit, nodeLimit)
        if documents.last?.endsTheText != true {
            documents.append(YAMLDocument(line: error.line, bytes: lineStart..<text.count, content: .failure(error), endsTheText: true))
        }
        return documents
    }

    /// Where the first byte stands that is not UTF-8, and where its line begins; nil if there is none.
    private static func notUTF8(_ text: [UInt8]) -> (error: YAMLError, lineStart: Int)? {
        guard let invalid = firstInvalid(text) else { return nil }
        let line = text[..<invalid].count { $0 == UInt8(ascii: "\n") } + 1
        let lineStart = text[..<invalid].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return (YAMLError(line: line, column: invalid - lineStart + 1, problem: "is not UTF-8"), lineStart)
    }

    private static func documents(checked text: [UInt8], _ limit: Int, _ nodeLimit: Int) -> [YAMLDocument] {
        var session = YAMLSession(text, nodeLimit: nodeLimit)
        defer { session.close() }
        return session.documents(limit: limit)
    }

    /// The offset of the first byte that is not part of UTF-8 text.
    private static func firstInvalid(_ text: [UInt8]) -> Int? {
        if UTF8Check.isValid(text[...]) { return nil }
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = text.makeIterator()
        var offset = 0
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) { offset += scalar.count }
        return offset
    }

    /// Where the line of the last marker `---` before `end` begins, 0 without one. No value of YAML, not even quoted text, can hold such
    /// a line: what stands before it is whole documents.
    private static func lastMarker(in text: [UInt8], before end: Int) -> Int {
        var lineEnd = end
        while lineEnd > 0 {
            let lineStart = text[..<(lineEnd - 1)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let line = text[lineStart..<lineEnd]
            if line.starts(with: "---".utf8), line.count > 3, " \t\r\n".utf8.contains(line[lineStart + 3]) { return lineStart }
            lineEnd = lineStart
        }
        return 0
    }
}
