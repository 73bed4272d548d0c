import Client
import Core
import Glibc
import HookWire

/// Files of alerts and logs, one JSON object a line, as portcullis-feed writes and rotates them.
struct HistoryFiles {
    static let standard = "/var/log/portcullis/feed.jsonl"
    private static let chunk = 256 << 10

    /// Lines that are no alert and no log, or too long for one.
    private(set) var unreadable = 0
    private var firstUnreadable = ""
    /// The newest file stays open: more may be written to it.
    private var last: OpenFile?

    private struct OpenFile {
        let name: String
        let descriptor: Int32
        var line = 0
        /// The beginning of a line whose end has not come.
        var pending: [UInt8] = []
        /// It is longer than any line of ours.
        var isTooLong = false
    }

    /// The rotated ones first, `.2` before `.1`.
    static func all(_ path: String) -> [String] {
        guard path != "-" else { return [path] }
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { String(path[...$0]) } ?? "./"
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var numbers: [Int] = []
        if let stream = opendir(directory) {
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let found = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                guard found.hasPrefix(name + "."), let number = Int(found.dropFirst(name.utf8.count + 1)), number > 0 else { continue }
                numbers.append(number)
            }
        }
        return numbers.sorted(by: >).map { "\(path).\($0)" } + [path]
    }

    /// Reads all of them, in their order, until `take` says that it has enough.
    mutating func read(_ path: String, _ take: (KubeArmorMessage) -> Bool) throws(PortcullisError) {
        let files = Self.all(path)
        for file in files {
            let descriptor = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
            // A rotated one may have gone since it was listed; of a feed that has just rotated there may be no newest.
            if descriptor < 0, errno == ENOENT, files.count > 1 { continue }
            guard descriptor >= 0 else {
                let hint = errno == ENOENT && file == Self.standard ? " (portcullis-feed keeps it; is it running?)" : ""
                throw PortcullisError(.configuration, "cannot read the history in \(file)\(hint)", errno: errno)
            }
            if let last { finish(last, take) }
            last = OpenFile(name: file == "-" ? "(standard input)" : file, descriptor: descriptor)
            guard try readMore(take) else { return }
        }
    }

    /// Reads what has been written since; false once `take` has enough.
    mutating func readMore(_ take: (KubeArmorMessage) -> Bool) throws(PortcullisError) -> Bool {
        guard var file = last else { return true }
        defer { last = file }
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = Glibc.read(file.descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PortcullisError(.system, "reading \(file.name)", errno: errno) }
            guard count > 0 else { return true }
            var rest = buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                append(rest[..<end], to: &file)
                rest = rest[(end + 1)...]
                guard endLine(&file, take) else { return false }
            }
            append(rest, to: &file)
        }
    }

    private func append(_ bytes: ArraySlice<UInt8>, to file: inout OpenFile) {
        if file.pending.count + bytes.count > KubeArmorMessage.lineLimit { file.isTooLong = true }
        if file.isTooLong { file.pending = [] } else { file.pending.append(contentsOf: bytes) }
    }

    private mutating func endLine(_ file: inout OpenFile, _ take: (KubeArmorMessage) -> Bool) -> Bool {
        file.line += 1
        defer { (file.pending, file.isTooLong) = ([], false) }
        if file.pending.isEmpty, !file.isTooLong { return true }
        guard !file.isTooLong else {
            note(file, "is longer than \(KubeArmorMessage.lineLimit >> 20) MiB")
            return true
        }
        do throws(JSONError) { return take(try KubeArmorMessage(json: file.pending)) } catch {
            note(file, "\(error.reason)")
            return true
        }
    }

    private mutating func note(_ file: OpenFile, _ problem: String) {
        if unreadable == 0 { firstUnreadable = "\(file.name):\(file.line): \(problem)" }
        unreadable += 1
    }

    /// What follows the last line's end was cut off, or its writer has died.
    private mutating func finish(_ file: OpenFile, _ take: (KubeArmorMessage) -> Bool) {
        var file = file
        if !file.pending.isEmpty || file.isTooLong { _ = endLine(&file, take) }
        if file.descriptor > 0 { close(file.descriptor) }
    }

    /// Ends the reading, and says what could not be read.
    mutating func end(_ take: (KubeArmorMessage) -> Bool) {
        if let last { finish(last, take) }
        last = nil
        guard unreadable > 0 else { return }
        Output.complain(Output.clean("portcullis: \(firstUnreadable)" + (unreadable > 1 ? "; so with \(unreadable - 1) lines more" : "")))
    }
}
