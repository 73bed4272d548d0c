@testable import Core
import Testing

/// podman 5's database, page by page. What SQLite itself writes is read by the host tests.
@Suite struct SQLiteFileTests {
    /// Writes pages as SQLite does, of the smallest size that it has.
    struct Builder {
        static let pageSize = 512
        var file: [UInt8]

        static func big<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

        static func number(_ value: Int) -> [UInt8] { value < 128 ? [UInt8(value)] : number(value >> 7).map { $0 | 0x80 } + [UInt8(value & 0x7F)] }

        /// A row of texts, with a number for what is one, and a blob for what is JSON.
        static func row(_ values: [String]) -> [UInt8] {
            let types = values.map { Int($0) != nil ? [1] : number(($0.first == "{" ? 12 : 13) + 2 * $0.utf8.count) }
            let head = types.flatMap { $0 }
            return number(head.count + 1) + head + values.flatMap { value in Int(value).map { [UInt8($0)] } ?? Array(value.utf8) }
        }

        init(pages: Int, changes: UInt32 = 5) {
            file = [UInt8](repeating: 0, count: pages * Self.pageSize)
            put(0, Array("SQLite format 3\0".utf8) + Self.big(UInt16(Self.pageSize)) + [1, 1, 0, 64, 32, 32] + Self.big(changes))
            put(56, Self.big(UInt32(1)))
        }

        mutating func put(_ offset: Int, _ bytes: [UInt8]) { file.replaceSubrange(offset..<offset + bytes.count, with: bytes) }

        /// A page of a table with rows; what does not fit goes to the pages from `overflow` on.
        mutating func leaf(_ page: Int, _ rows: [[UInt8]], overflow: Int = 0) {
            let start = (page - 1) * Self.pageSize, head = page == 1 ? 100 : 0
            var end = Self.pageSize, cells: [UInt8] = [], next = overflow
            for (index, row) in rows.enumerated() {
                var cell = Self.number(row.count) + Self.number(index + 1)
                let least = (512 - 12) * 32 / 255 - 23, spread = least + (row.count - least) % 508
                let local = row.count <= 477 ? row.count : spread <= 477 ? spread : least
                cell += row[..<local]
                if local < row.count {
                    cell += Self.big(UInt32(next))
                    var rest = row[local...]
                    while !rest.isEmpty {
                        let isLast = rest.count <= 508
                        put((next - 1) * Self.pageSize, Self.big(UInt32(isLast ? 0 : next + 1)) + rest.prefix(508))
                        rest = rest.dropFirst(508)
                        next += 1
                    }
                }
                end -= cell.count
                put(start + end, cell)
                cells += Self.big(UInt16(end))
            }
            put(start + head, [13, 0, 0] + Self.big(UInt16(rows.count)) + Self.big(UInt16(end)) + [0] + cells)
        }

        mutating func interior(_ page: Int, _ children: [Int], last: Int) {
            let start = (page - 1) * Self.pageSize
            var end = Self.pageSize, cells: [UInt8] = []
            for child in children {
                end -= 5
                put(start + end, Self.big(UInt32(child)) + [9])
                cells += Self.big(UInt16(end))
            }
            put(start, [5, 0, 0] + Self.big(UInt16(children.count)) + Self.big(UInt16(end)) + [0] + Self.big(UInt32(last)) + cells)
        }

        /// Two tables; in that of the containers a branch, and a configuration of several pages.
        static func podman(label: String = "shop", changes: UInt32 = 5) -> Builder {
            let long = #"{"spec":"\#(String(repeating: "x", count: 1400))","labels":{"app":"\#(label)"}}"#
            var file = Builder(pages: 10, changes: changes)
            file.leaf(1, [row(["index", "ContainerConfig", "ContainerConfig", "9", ""]), row(["table", "ContainerConfig", "ContainerConfig", "2", "CREATE"]), row(["table", "Other", "Other", "5", ""])])
            file.interior(2, [3], last: 4)
            file.leaf(3, [row(["aaa", "name", "", #"{"labels":{"app":"small"}}"#]), row(["short"])])
            file.leaf(4, [row(["bbb", "web", "", long]), row(["ccc", "none", "", "{}"])], overflow: 6)
            return file
        }
    }

    private func labels(_ id: String, _ file: some DatabaseBytes) throws -> String? {
        guard let config = try PodmanStorage.config(of: Array(id.utf8), sqlite: file) else { return nil }
        return try PodmanStorage.labels(inConfig: config).map { String(decoding: $0.key + [0x3D] + $0.value, as: UTF8.self) }.joined(separator: ",")
    }

    private func labels(_ id: String, _ file: Builder) throws -> String? { try labels(id, DatabaseArray(file.file)) }

    private func refusal(_ file: Builder, _ id: String = "bbb") -> String? {
        do throws(PortcullisError) {
            _ = try PodmanStorage.config(of: Array(id.utf8), sqlite: DatabaseArray(file.file))
            return nil
        } catch { return error.message }
    }

    @Test func aContainerInEveryForm() throws {
        let file = Builder.podman()
        #expect(try labels("aaa", file) == "app=small")
        #expect(try labels("bbb", file) == "app=shop", "in pages beside the table's")
        #expect(try labels("ccc", file) == "")
        for id in ["aa", "web", "", "table"] { #expect(try labels(id, file) == nil, "\(id)") }
        #expect(refusal(file, "short") == "has a row of ContainerConfig without column 3")
        var other = file
        other.leaf(1, [Builder.row(["table", "Other", "Other", "5", ""])])
        #expect(try labels("bbb", other) == nil, "a database without the table")
    }

    @Test func whatChangesMeanwhileIsReadAgain() throws {
        let new = Builder.podman(label: "changed", changes: 6).file
        let once = WatchedDatabase(Builder.podman().file)
        once.afterRead = { file, offset in if offset == 512 { file.content = new } }
        #expect(try labels("bbb", once) == "app=changed")
        let always = WatchedDatabase(Builder.podman().file)
        var changes: UInt32 = 10
        always.afterRead = { file, offset in
            changes += 1
            if offset == 512 { file.content = Builder.podman(changes: changes).file }
        }
        #expect(throws: PortcullisError(.peer, "is changed again and again while it is read")) { _ = try labels("bbb", always) }
        #expect(always.reads < 80)
        let hot = WatchedDatabase(new)
        hot.settled = false
        #expect(throws: PortcullisError.self) { _ = try labels("bbb", hot) }
        #expect(hot.reads == 0, "a page may be half written")
    }

    @Test func whatIsNotReadSaysSo() {
        var file = Builder.podman()
        file.put(18, [2, 2])
        #expect(refusal(file) == "is in the mode with a write-ahead log, which is not read here")
        file = .podman()
        file.put(0, [0])
        #expect(refusal(file) == "is no SQLite database")
        file = .podman()
        file.put(56, Builder.big(UInt32(2)))
        #expect(refusal(file) == "has texts that are not UTF-8")
        file = .podman()
        file.interior(2, [3], last: 2)
        #expect(refusal(file) == "has more than 2048 pages to look through")
        file = .podman()
        file.interior(2, [3], last: 99)
        #expect(refusal(file) == "ends before page 99")
    }

    /// Every byte changed, and every length: an answer or a line that says what is wrong, and never more pages than the bounds allow.
    @Test func nothingThatIsWrongDoesHarm() {
        let whole = Builder.podman().file
        var refused = 0
        func look(_ content: [UInt8]) {
            let file = WatchedDatabase(content)
            do throws(PortcullisError) { _ = try PodmanStorage.config(of: Array("aaa".utf8), sqlite: file) } catch {
                refused += 1
                #expect(error.code == .peer && !error.message.isEmpty)
            }
            #expect(file.reads <= SQLiteFile.pagesLimit + 2)
        }
        for index in whole.indices {
            for change: UInt8 in [1, 0x80, 0xFF] {
                var content = whole
                content[index] ^= change
                look(content)
            }
        }
        for count in stride(from: 0, to: whole.count, by: 7) { look(Array(whole[..<count])) }
        #expect(refused > 100)
    }
}
