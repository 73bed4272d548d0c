import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// Bytes from an open descriptor, waited for no longer than the hook's deadline.
struct DescriptorSource: ByteSource {
    let descriptor: Int32
    /// A value of `pch_now`.
    let deadline: Int64

    mutating func read(into window: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int {
        let count = pch_read(descriptor, window.baseAddress, window.count, deadline)
        guard count >= 0 else { throw JSONError(.input, at: 0, systemError: Int32(-count)) }
        return Int(count)
    }
}
