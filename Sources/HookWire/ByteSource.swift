/// Something bytes are pulled from, a window at a time: a file descriptor in the hook, an array in the tests.
public protocol ByteSource {
    /// Fills `window` from its start and returns how many bytes it wrote; 0 means the end of the input.
    ///
    /// - Throws: `JSONError` with kind `.input` when the source fails or its deadline passes.
    mutating func read(into window: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int
}

/// Bytes that are already in memory, handed out at most `step` at a time, so that tests can put a window's edge anywhere.
public struct ArraySource: ByteSource {
    private let bytes: [UInt8]
    private let step: Int
    private var offset = 0

    public init(_ bytes: [UInt8], step: Int = Int.max) {
        self.bytes = bytes
        self.step = step
    }

    public mutating func read(into window: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int {
        let count = min(window.count, bytes.count - offset, step)
        for index in 0..<count { window[index] = bytes[offset + index] }
        offset += count
        return count
    }
}
