import CHookSystem
#if !SINGLE_MODULE
import HookWire
#endif

/// Where a message waits when no daemon took it: one file for each container id, the newest message only.
///
/// A later message about the same container replaces the earlier one whole (rename), so that a remove is never followed by a
/// stale add. The daemon treats the files as it treats any peer's frame.
struct Spool {
    let directory: [UInt8]

    /// Bytes of an id that go into a file's name; a longer id is shortened and told apart by a hash.
    private static let nameBytes = 200
    /// Messages that wait at one time: as many as a node has containers, by default. One more is not kept, and the hook says so.
    static var fileLimit: Int { 4096 }
    /// Bytes of one. Annotations beyond are left out, as the daemon leaves them out of what it keeps for its successor.
    static var bodyLimit: Int { 64 << 10 }

    /// Writes the frame; returns 0, or the errno that kept it from being kept.
    func keep(_ frame: [UInt8], containerID: [UInt8]) -> Int32 {
        let made = Path(directory).withCString { pch_own_directory($0) }
        guard made == 0 else { return -made }
        guard Path(directory).withCString({ pch_has_room($0, Self.fileLimit) }) > 0 else { return pch_errno_full() }
        var path = Path(directory)
        path.append("/")
        path.append(Self.fileName(containerID))
        var temporary = Path(directory)
        temporary.append("/.")
        temporary.append(Self.fileName(containerID))
        let result = frame.withUnsafeBytes { bytes in
            path.withCString { final in
                temporary.withCString { pch_replace_file($0, final, bytes.baseAddress, bytes.count) }
            }
        }
        return -result
    }

    /// `<id>.frame`. The id has no slash (`OCIState.problem` saw to that), and a leading dot is replaced.
    static func fileName(_ containerID: [UInt8]) -> [UInt8] {
        var name = Array(containerID.prefix(nameBytes))
        if name[0] == UInt8(ascii: ".") { name[0] = UInt8(ascii: "_") }
        if containerID.count > nameBytes {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325 // FNV-1a: ids are the administrator's, not an attacker's
            for byte in containerID { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            name.append(UInt8(ascii: "-"))
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: hash >> UInt64(shift) & 15)
                name.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
        name.append(contentsOf: Options.bytes(".frame"))
        return name
    }
}
