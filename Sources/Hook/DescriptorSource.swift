import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// Bytes from an open descriptor, waited for no longer than the hook's deadline.
struct DescriptorSource: ByteSource {
    let descriptor: Int32
    /// A value of `pch_now`.
    let deadline: Int64
    /// Whether there may be nothing to read yet.
    let waits: Bool

    /// The process's one buffer. Never used by two readers at a time: documents are read one after another.
    static var window: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: pch_window(), count: Int(PCH_WINDOW_BYTES))
    }

    mutating func read(into window: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int {
        let count = pch_read(descriptor, window.baseAddress, window.count, deadline, waits ? 1 : 0)
        guard count >= 0 else { throw JSONError(.input, at: 0, systemError: Int32(-count)) }
        return Int(count)
    }
}
