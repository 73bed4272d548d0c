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
