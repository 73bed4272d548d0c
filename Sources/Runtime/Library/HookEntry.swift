#if !SINGLE_MODULE
import HookWire
#endif

/// The entry that is added to a bundle's lists of hooks (OCI runtime specification, "POSIX-platform Hooks").
public struct HookEntry: Sendable {
    /// Seconds after which the runtime gives up on the hook: more than the hook's own largest deadline of 10 s.
    public static var timeout: Int { 12 }

    public var path: [UInt8]
    /// What follows the program's name.
    public var arguments: [[UInt8]]

    public init(path: [UInt8], arguments: [[UInt8]]) {
        self.path = path
        self.arguments = arguments
    }

    /// The entry as JSON. Its environment is always given: runc would hand on its own otherwise.
    public var text: [UInt8] {
        var text: [UInt8] = []
        JSONText.append(#"{"path":"#, to: &text)
        JSONText.append(string: path, to: &text)
        JSONText.append(#","args":["portcullis-hook""#, to: &text)
        for argument in arguments {
            text.append(UInt8(ascii: ","))
            JSONText.append(string: argument, to: &text)
        }
        JSONText.append(#"],"env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"timeout":"#, to: &text)
        JSONText.append(number: Self.timeout, to: &text)
        text.append(UInt8(ascii: "}"))
        return text
    }
}

/// JSON written by hand, into bytes.
public enum JSONText {
    public static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        for index in 0..<text.utf8CodeUnitCount { bytes.append(text.utf8Start[index]) }
    }

    /// Appends a string with its quotes. It must be UTF-8.
    public static func append(string: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            } else if byte < 0x20 {
                append("\\u00", to: &bytes)
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte & 15))
            } else {
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a number that is not negative, with zeros before it up to `digits`.
    public static func append(number: Int, digits: Int = 1, to bytes: inout [UInt8]) {
        if number >= 10 || digits > 1 { append(number: number / 10, digits: digits - 1, to: &bytes) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
}
