/// A YAML value with the place it stands at, so that every complaint can name line and column.
public struct YAMLNode: Equatable, Sendable {
    public indirect enum Value: Equatable, Sendable {
        /// Text as written; `quoted` tells `"true"` from `true`.
        case scalar(String, quoted: Bool)
        case sequence([YAMLNode])
        /// In the order written; keys are unique.
        case mapping([Member])
    }

    public struct Member: Equatable, Sendable {
        public let key: String
        public let line: Int
        public let column: Int
        public let value: YAMLNode
    }

    public let value: Value
    /// From 1.
    public let line: Int
    public let column: Int
}

/// What is wrong with a YAML text, and where.
public struct YAMLError: Error, Equatable, Sendable {
    public let line: Int
    public let column: Int
    public let problem: String
}

/// One document of a YAML text.
public struct YAMLDocument: Sendable {
    /// From 1, the line it starts at.
    public let line: Int
    /// Its part of the text, whole lines: read alone, it gives the same document.
    public internal(set) var bytes: Range<Int>
    public let content: Result<YAMLNode, YAMLError>
    /// True if what follows could not be read, and the error is about all of it.
    public let endsTheText: Bool

    init(line: Int, bytes: Range<Int>, content: Result<YAMLNode, YAMLError>, endsTheText: Bool = false) {
        self.line = line
        self.bytes = bytes
        self.content = content
        self.endsTheText = endsTheText
    }
}
