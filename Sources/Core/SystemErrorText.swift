import Glibc

/// What an errno means, in libc's words.
public enum SystemErrorText {
    public static func text(_ error: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        // The XSI form of strerror_r: unlike strerror it shares no buffer.
        guard strerror_r(error, &buffer, buffer.count) == 0 else { return "errno \(error)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
