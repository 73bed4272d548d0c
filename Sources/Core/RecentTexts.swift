/// Texts that many events in a row share, kept as Strings: who acts does one thing after another, and making a String of each path for each event costs more than looking
/// whether it is the last one's.
public struct RecentTexts: Sendable {
    enum Place: Int, CaseIterable { case executable, parent, arguments, directory }

    private var last: [(bytes: [UInt8], text: String)] = Place.allCases.map { _ in ([], "") }

    public init() {}

    /// - Parameter make: What the bytes are as a text.
    mutating func text(_ place: Place, _ bytes: ArraySlice<UInt8>, _ make: (ArraySlice<UInt8>) -> String) -> String {
        if Self.areEqual(bytes, last[place.rawValue].bytes) { return last[place.rawValue].text }
        let text = make(bytes)
        last[place.rawValue] = (Array(bytes), text)
        return text
    }

    /// Eight bytes at a time.
    private static func areEqual(_ one: ArraySlice<UInt8>, _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return one.withUnsafeBytes { one in
            other.withUnsafeBytes { other in
                let words = one.count / 8 * 8
                for place in stride(from: 0, to: words, by: 8)
                where one.loadUnaligned(fromByteOffset: place, as: UInt64.self) != other.loadUnaligned(fromByteOffset: place, as: UInt64.self) { return false }
                for place in words..<one.count where one[place] != other[place] { return false }
                return true
            }
        }
    }
}
