/// A reader under test, and what it is given.
struct FuzzTarget: Sendable {
    let name: String
    /// What its inputs are, to know which files of a corpus are seeds for it.
    let format: Format
    /// Hand-made seeds, so that there is something to start from where no corpus is.
    let seeds: [[UInt8]]
    let words: [[UInt8]]
    /// Bytes of an input.
    var limit = 1 << 16
    var generate: (@Sendable (inout FuzzRandom) -> [UInt8])?
    /// Made once in the process that reads: it may have a directory of its own.
    ///
    /// The reader itself says whether it accepted the input. It throws what the input made of a promise; whatever else goes wrong
    /// ends the process or never ends, and the supervisor sees that.
    let reader: @Sendable () throws -> ([UInt8]) throws(BrokenPromise) -> Bool

    enum Format: String { case ociState, ociConfig, json, yaml, binary, text }
}

/// What a reader promises and did not keep for some input.
struct BrokenPromise: Error, CustomStringConvertible {
    let description: String
}

/// Throws if `kept` is false.
func promise(_ kept: Bool, _ text: @autoclosure () -> String) throws(BrokenPromise) {
    guard kept else { throw BrokenPromise(description: text()) }
}

/// A number that depends on all bytes: what a reader is given beside the input, such as where a window ends, is told by the input alone.
func fingerprint(_ bytes: [UInt8]) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes.prefix(4096) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int((hash ^ UInt64(bytes.count)) >> 8 & 0x7FFF_FFFF)
}

func texts(_ list: String...) -> [[UInt8]] { list.map { Array($0.utf8) } }

extension FuzzTarget {
    /// Bytes that no text should have, and texts that Swift's characters and the kernel's bytes see differently.
    static let troublesome: [[UInt8]] = [
        [0], [0xFF], [0xC3], [0x80], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80], [0xEF, 0xBB, 0xBF],
    ] + texts("\u{301}", "/\u{301}", "\u{E9}", "e\u{301}", "\u{212A}", "\u{FE0F}", "\r\n", "\u{85}", "\u{2028}", "\u{202E}", "😀", "\u{10FFFF}", "/../", "//", "/./")
}
