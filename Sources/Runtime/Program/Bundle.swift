import CHookSystem
#if !SINGLE_MODULE
import HookWire
import RuntimeWrapper
#endif

/// A bundle's `config.json`, to be changed in place.
struct Bundle {
    let path: [UInt8]

    /// Puts the entry where it is missing, in a new file that is renamed over the old one; returns what went wrong, nil if nothing did.
    func insert(_ entry: HookEntry) -> Line? {
        var size: Int64 = 0
        let descriptor = Path(path).withCString { pcr_open_document($0, &size) }
        guard descriptor >= 0 else { return Wrapper.line(path, errno: -descriptor) }
        defer { _ = pch_close(descriptor) }
        guard size <= JSONLimits.documentBytes else { return problem(JSONError(.tooLarge, at: JSONLimits.documentBytes)) }
        var error = Int32(0)
        // One byte more than there should be: a file that grows meanwhile is still being written, and read again as such.
        let document = [UInt8](unsafeUninitializedCapacity: Int(size) + 1) { buffer, count in
            let result = pcr_read_all(descriptor, buffer.baseAddress, buffer.count)
            error = Int32(min(result, 0))
            count = Int(max(result, 0))
        }
        guard error == 0 else { return Wrapper.line(path, errno: -error) }
        guard document.count == Int(size) else { return Wrapper.line(path, "changes while it is read") }
        var changed: [UInt8]?
        var wrong: JSONError?
        document.withUnsafeBytes { bytes in
            do throws(JSONError) {
                let insertion = try HookInsertion.find(entry, in: WholeSource(bytes), window: WholeSource.window(of: bytes))
                if !insertion.edits.isEmpty { changed = insertion.applied(to: bytes) }
            } catch { wrong = error }
        }
        if let wrong { return problem(wrong) }
        guard let changed else { return nil }
        // The hook would not read it.
        guard changed.count <= JSONLimits.documentBytes else { return problem(JSONError(.tooLarge, at: document.count)) }
        // In the same directory, so that it can be renamed, and of this process alone.
        var temporary = Path(path)
        temporary.append(".portcullis-")
        temporary.append(pcr_process())
        error = changed.withUnsafeBytes { bytes in
            Path(path).withCString { final in
                temporary.withCString { pcr_replace_document($0, final, descriptor, bytes.baseAddress, bytes.count) }
            }
        }
        guard error == 0 else {
            var line = Line("the hook cannot be put into ")
            line.append(path)
            line.append(": ")
            line.append(errno: -error)
            return line
        }
        return nil
    }

    private func problem(_ error: JSONError) -> Line {
        var line = Wrapper.line(path, error.reason)
        line.append(", at byte ")
        line.append(error.offset)
        return line
    }
}

/// A document that is in memory as a whole, and is its reader's window: nothing of it is copied.
private struct WholeSource: ByteSource {
    private let count: Int
    private var isRead = false

    init(_ document: UnsafeRawBufferPointer) { count = document.count }

    /// The reader writes nothing into its window; its source does, and this one does not either.
    static func window(of document: UnsafeRawBufferPointer) -> UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(mutating: document) }

    mutating func read(into window: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int {
        guard !isRead else { return 0 }
        isRead = true
        return count
    }
}
