import CABI
import HookWire

@testable import Core

/// What the kernel's programs report, and the image that is read back.
extension FuzzTarget {
    static var kernelTargets: [FuzzTarget] { [event, alert, image] }

    private static func bytes<Header>(_ header: Header, _ texts: String...) -> [UInt8] { withUnsafeBytes(of: header) { Array($0) } + texts.flatMap { Array($0.utf8) } }

    static let event = FuzzTarget(
        name: "event", format: .binary,
        seeds: {
            var exec = pc_event()
            (exec.type, exec.source, exec.path_length, exec.arguments_length) = (1, 1, 7, 6)
            var end = pc_event()
            (end.type, end.source, end.exit_code) = (2, 0, 9)
            var rename = pc_event()
            (rename.type, rename.source, rename.operation, rename.flags, rename.syscall, rename.result) = (3, 1, 13, 0x300, 82, -13)
            (rename.executable_length, rename.parent_length, rename.directory_length, rename.path_length, rename.other_path_length) = (7, 3, 4, 1, 2)
            var connect = pc_event()
            (connect.type, connect.source, connect.operation, connect.syscall, connect.socket_family, connect.socket_type, connect.port) = (4, 0, 21, 42, 2, 1, 443)
            return [bytes(exec, "sh\0-c\0", "/bin/sh"), bytes(end), bytes(rename, "/bin/sh", "/sh", "/tmp", "a", "/b"), bytes(connect)]
        }(), words: [[1, 0], [2, 0], [0xFF, 0xFF]], limit: 4096,
        reader: {
            { input throws(BrokenPromise) in
                guard let event = input.withUnsafeBytes({ Event($0) }) else { return false }
                _ = event.splitArguments()
                try isJSON(event.json(nil, WorkloadIdentity(), wallClockOffset: UInt64(fingerprint(input)) << 33))
                return true
            }
        })

    static let alert = FuzzTarget(
        name: "alert", format: .binary,
        seeds: (1..<PC_OPERATIONS.rawValue).map { operation in
            var header = pc_alert()
            (header.operation, header.path_length, header.executable_length, header.parent_length) = (UInt16(operation), 4, 2, 2)
            header.automaton = UInt16(operation % PC_AUTOMATA.rawValue)
            (header.decision, header.address_family, header.port) = (2, operation % 2 == 0 ? 2 : 10, 80)
            return bytes(header, "\u{82}\u{81}", "/a", "/b")
        }, words: [[2, 0], [0xFF, 0xFF], [10, 0, 0, 0], [0, 0, 0, 0x80]], limit: 4096,
        reader: {
            let policies = PolicyParser.parse(FuzzTarget.policies[0], file: "f").policies
            let set = try? PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: Postures(.block)))
            return { input throws(BrokenPromise) in
                guard let alert = input.withUnsafeBytes({ Alert($0) }) else { return false }
                for set in [nil, set] { try isJSON(alert.json(set, nil, WorkloadIdentity(), wallClockOffset: UInt64(fingerprint(input)) << 33)) }
                return true
            }
        })

    private static func isJSON(_ text: [UInt8]) throws(BrokenPromise) {
        let error = JSONTree.skip(text, step: .max, window: 16 << 10)
        try promise(error == nil, "\(String(describing: error)) in \(String(decoding: text, as: UTF8.self))")
    }

    /// An image is only ever read back from what the compiler made; whatever it holds must not end the program.
    static let image = FuzzTarget(
        name: "image", format: .binary,
        seeds: FuzzTarget.policies.prefix(2).compactMap { text in
            let input = PolicySetInput(policies: PolicyParser.parse(text, file: "f").policies, posture: Postures(.block))
            return (try? PolicySetCompiler.compile(input)).map { $0.cells.withUnsafeBytes { Array($0.prefix(8 * 2048)) } }
        } + [[0]], words: [[0xFF, 0xFF, 0xFF, 0xFF], [1, 0, 0, 0]], limit: 8 * 2048,
        reader: {
            let paths = ["/bin/sh", "/etc/passwd", "/usr/lib/a.so", "/opt/x/y", "memfd:x", ""].map { Array($0.utf8) }
            return { input throws(BrokenPromise) in
                let cells = stride(from: 0, to: input.count - 7, by: 8).map { start in (0..<8).reduce(UInt64(0)) { $0 | UInt64(input[start + $1]) << UInt64($1 * 8) } }
                guard let image = PolicySetImage(cells: cells) else { return false }
                for section in PolicyRule.Section.allCases {
                    for path in paths {
                        let place = image.place(section, path)
                        for mode in 0..<8 {
                            _ = image.decision(
                                section, at: place, source: image.sourceClass(path: path), owner: mode & 1 != 0, write: mode & 2 != 0, terminal: mode & 4 != 0)
                        }
                    }
                }
                return true
            }
        })
}
