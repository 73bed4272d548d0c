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

        /// Names the file for good, also once it has been renamed.
        var inode: [UInt64] {
            var info = stat()
            return fstat(descriptor, &info) == 0 ? [UInt64(info.st_dev), UInt64(info.st_ino)] : []
        }
    }

    /// A file and its rotated ones, the oldest first, all open: what is rotated from here on is read all the same.
    private static func openAll(_ path: String) throws(PortcullisError) -> [OpenFile] {
        guard path != "-" else { return [OpenFile(name: "(standard input)", descriptor: 0)] }
        // The newest first: one that is rotated meanwhile is then met twice, and none is missed.
        var files: [OpenFile] = []
        for name in [path] + rotated(path) {
            let descriptor = open(name, O_RDONLY | O_CLOEXEC)
            // Of a feed that has just rotated there may be no newest.
            if descriptor < 0, errno == ENOENT { continue }
            guard descriptor >= 0 else { throw PortcullisError(.configuration, "cannot read the history in \(name)", errno: errno) }
            let file = OpenFile(name: name, descriptor: descriptor)
            if files.contains(where: { $0.inode == file.inode }) { close(descriptor) } else { files.append(file) }
        }
        guard !files.isEmpty else {
            let hint = path == standard ? " (portcullis-feed keeps it, where its json-file says so)" : ""
            throw PortcullisError(.configuration, "cannot read the history in \(path)\(hint)", errno: ENOENT)
        }
        return files.reversed()
    }

    /// `.1` before `.2`.
    private static func rotated(_ path: String) -> [String] {
        let slash = path.lastIndex(of: "/")
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard let stream = opendir(slash.map { String(path[...$0]) } ?? ".") else { return [] }
        defer { closedir(stream) }
        var numbers: [Int] = []
        while let entry = readdir(stream) {
            let found = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard found.hasPrefix(name + "."), let number = Int(found.dropFirst(name.count + 1)), number > 0 else { continue }
            numbers.append(number)
        }
        return numbers.sorted().map { "\(path).\($0)" }
    }

    /// Reads all of them, in their order, until `take` says that it has enough.
    mutating func read(_ path: String, _ take: (KubeArmorMessage) -> Bool) throws(PortcullisError) {
        for file in try Self.openAll(path) {
            if let last { finish(last, take) }
            last = file
            guard try readOn(take) else { return }
        }
    }

    /// Reads what has been written since, to the newest and to one that was begun after it.
    mutating func readMore(_ path: String, _ take: (KubeArmorMessage) -> Bool) throws(PortcullisError) {
        guard try readOn(take) else { return }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let file = OpenFile(name: path, descriptor: descriptor)
        guard let last, last.inode != file.inode else {
            close(descriptor)
            return
        }
        finish(last, take)
        self.last = file
        _ = try readOn(take)
    }

    /// Reads the last file to its end; false once `take` has enough.
    private mutating func readOn(_ take: (KubeArmorMessage) -> Bool) throws(PortcullisError) -> Bool {
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
