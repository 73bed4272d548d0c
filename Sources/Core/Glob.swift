/// A path pattern, checked when it was parsed: AppArmor's and the shell's globs over bytes.
///
/// `*` any bytes but `/` (also none), `**` any bytes, `?` one byte but `/`, `[a-z]` and `[^a-z]` one byte of (not of) a set and never `/`,
/// `{a,b}` one of the alternatives (they may nest and may be empty), `\c` the byte `c` itself.
public struct Glob: Equatable, Sendable {
    public indirect enum Element: Equatable, Sendable {
        case byte(UInt8)
        /// One byte of the set; never contains `/`.
        case set(ByteSet)
        /// `*`
        case withinComponent
        /// `**`
        case acrossComponents
        case alternatives([[Element]])
    }

    public let text: String
    public let elements: [Element]

    public init(text: String, elements: [Element]) {
        self.text = text
        self.elements = elements
    }
}

/// A set of byte values.
public struct ByteSet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    public init() {}

    public init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    public func contains(_ byte: UInt8) -> Bool { self[word: Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    public mutating func insert(_ byte: UInt8) { self[word: Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    public mutating func remove(_ byte: UInt8) { self[word: Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    public var isEmpty: Bool { words.0 | words.1 | words.2 | words.3 == 0 }

    private subscript(word index: Int) -> UInt64 {
        get {
            switch index {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        }
        set {
            switch index {
            case 0: words.0 = newValue
            case 1: words.1 = newValue
            case 2: words.2 = newValue
            default: words.3 = newValue
            }
        }
    }

    public static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
