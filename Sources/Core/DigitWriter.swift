/// Writes numbers of a fixed width into the memory of a String. Times and ids are made for each message: interpolation makes a text of each part.
struct DigitWriter {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    /// What does not fit into the buffer is left out.
    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    private mutating func write(_ byte: UInt8) {
        guard count < buffer.count else { return }
        buffer[count] = byte
        count += 1
    }

    /// - Parameter character: Of ASCII.
    mutating func byte(_ character: Unicode.Scalar) { write(UInt8(ascii: character)) }

    mutating func text(_ text: String) { for byte in text.utf8 { write(byte) } }

    /// The last digits of a number that is not negative.
    mutating func decimal(_ number: Int, digits: Int) {
        var unit = 1
        for _ in 1..<digits { unit *= 10 }
        while unit > 0 {
            write(UInt8(ascii: "0") + UInt8(number / unit % 10))
            unit /= 10
        }
    }

    mutating func hexadecimal(_ number: UInt64, digits: Int) {
        for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(number >> UInt64(place) & 15)
            write(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
