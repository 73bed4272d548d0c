/// os-release(5): what an operating system calls itself.
public enum OSRelease {
    /// The value of PRETTY_NAME, of NAME where there is none, "Linux" where there is neither: as os-release(5) has it.
    public static func name(in text: [UInt8]) -> String { value("PRETTY_NAME", text) ?? value("NAME", text) ?? "Linux" }

    /// The last of that name counts, as in a shell.
    private static func value(_ name: String, _ text: [UInt8]) -> String? {
        let prefix = Array("\(name)=".utf8)
        guard let line = text.split(separator: UInt8(ascii: "\n")).last(where: { $0.starts(with: prefix) }) else { return nil }
        let value = unquoted(line.dropFirst(prefix.count))
        return value.isEmpty ? nil : value
    }

    /// Without a shell's quotes and backslashes. Control characters go: it stands in a label.
    private static func unquoted(_ text: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var quote: UInt8?
        var isEscaped = false
        for byte in text where byte >= 32 && byte != 127 {
            switch byte {
            case _ where isEscaped: (isEscaped, bytes) = (false, bytes + [byte])
            case UInt8(ascii: "\\") where quote != UInt8(ascii: "'"): isEscaped = true
            case quote: quote = nil
            case UInt8(ascii: "\"") where quote == nil, UInt8(ascii: "'") where quote == nil: quote = byte
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
