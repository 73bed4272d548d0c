/// Why a JSON document was refused, and where.
public struct JSONError: Error, Equatable {
    public enum Kind: UInt8, Sendable {
        /// The bytes end before the document does.
        case truncated
        /// A byte that the grammar (RFC 8259) does not allow here.
        case syntax
        /// A value of another type than the one that is needed.
        case type
        /// A string that is not UTF-8, or a `\u` escape that is half a surrogate pair.
        case encoding
        /// Objects and arrays nested deeper than `JSONLimits.depth`.
        case depth
        /// One object names a member twice.
        case duplicateKey
        /// More bytes than the reader was told to accept.
        case tooLarge
        /// A string longer than its reader allows.
        case stringTooLong
        /// A number that does not fit the integer asked for.
        case number
        /// The source itself failed; `systemError` says how.
        case input
    }

    public let kind: Kind
    /// Offset of the offending byte, from 0.
    public let offset: Int
    /// `errno` of a failed source, 0 otherwise.
    public let systemError: Int32

    public init(_ kind: Kind, at offset: Int, systemError: Int32 = 0) {
        self.kind = kind
        self.offset = offset
        self.systemError = systemError
    }

    /// What is wrong, as the end of a sentence.
    public var reason: StaticString {
        switch kind {
        case .truncated: "ends in the middle"
        case .syntax: "is not valid JSON"
        case .type: "has a value of the wrong type"
        case .encoding: "is not valid UTF-8"
        case .depth: "is nested too deeply"
        case .duplicateKey: "names a member twice"
        case .tooLarge: "is too large"
        case .stringTooLong: "has a string that is too long"
        case .number: "has a number out of range"
        case .input: "cannot be read"
        }
    }
}

/// The limits of every JSON document that the hook reads. Each refuses the document; none cuts it.
public enum JSONLimits {
    /// Bytes of one document. A runtime's `config.json` is 5 to 100 KB; 16 MiB leaves room for absurd annotations.
    public static let documentBytes = 16 << 20
    /// Open objects and arrays at one time. OCI documents use fewer than 10.
    public static let depth = 64
    /// Members of one object.
    public static let members = 1 << 18
    /// Members of one object that are compared one by one; a larger object is checked by sorting when it ends.
    static let comparedMembers = 24
}
