/// The name of a file as a key: two names are one only if their bytes are. A `String` would hold names to be equal that Unicode calls equivalent, and that
/// are two files.
public struct FileName: Hashable, Comparable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public static func == (left: FileName, right: FileName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    public static func < (left: FileName, right: FileName) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}
