/// `/proc/PID/statm` (proc(5)): sizes of a process in pages.
public enum MemoryText {
    /// Bytes that are enough for it.
    public static let limit = 256

    /// Pages in memory: the second number; nil if there is none.
    public static func residentPages(_ text: ArraySlice<UInt8>) -> UInt64? {
        let fields = text.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
        guard fields.count >= 2 else { return nil }
        return UInt64(String(decoding: fields[1], as: UTF8.self))
    }
}
