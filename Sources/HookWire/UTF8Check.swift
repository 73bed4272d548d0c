/// Whether bytes are UTF-8 (RFC 3629): what a hook sends ends in logs and JSON, which must stay valid.
public enum UTF8Check {
    public static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.withUnsafeBufferPointer { isValid($0) } }

    private static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        let end = bytes.count
        while index < end {
            let lead = bytes[index]
            index += 1
            if lead < 0x80 { continue }
            var low: UInt8 = 0x80
            var high: UInt8 = 0xBF
            let following: Int
            switch lead {
            case 0xC2...0xDF: following = 1
            case 0xE0: (following, low) = (2, 0xA0)
            case 0xED: (following, high) = (2, 0x9F)
            case 0xE1...0xEF: following = 2
            case 0xF0: (following, low) = (3, 0x90)
            case 0xF4: (following, high) = (3, 0x8F)
            case 0xF1...0xF3: following = 3
            default: return false
            }
            guard end - index >= following else { return false }
            for _ in 0..<following {
                guard bytes[index] >= low, bytes[index] <= high else { return false }
                (low, high) = (0x80, 0xBF)
                index += 1
            }
        }
        return true
    }
}
