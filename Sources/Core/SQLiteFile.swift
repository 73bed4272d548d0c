/// What is looked up in a database of SQLite's, in which podman 5 keeps its containers (the file format: sqlite.org/fileformat2.html).
///
/// A reader of SQLite's own locks the file, and podman would wait for it. This one takes no lock: a writer has a journal beside the file as long as it
/// changes pages, and counts each change in the file's header, so that what was read is one state if there is no journal and the count is as before.
public enum SQLiteFile {
    /// Looks at a file that is changed during each of them.
    static let attempts = 4
    /// Pages of the tables that are looked through for one row, 8 MiB of podman's: containers by the thousand, and some 3 ms.
    static let pagesLimit = 2048
    /// Bytes of one row.
    private static let rowLimit = 4 << 20

    /// The text or blob in column `column` of the row of `table` whose first column is `key`; nil if there is no such row or table.
    ///
    /// - Throws: `.peer` for what is no such database, is kept in another way, or is changed again and again; what the file itself throws.
    public static func bytes(column: Int, of key: [UInt8], in table: String, from file: some DatabaseBytes) throws(PortcullisError) -> [UInt8]? {
        for _ in 0..<attempts {
            guard file.settles() else { throw .damaged("is not read while its journal is there: a change of it is under way, or was broken off") }
            let before = try Header(file)
            // What was damaged by a writer beside this is no error.
            let found = Result { () throws(PortcullisError) -> [UInt8]? in
                var lookup = Lookup(file: file, header: before)
                guard let root = try lookup.root(of: Array(table.utf8)) else { return nil }
                guard let row = try lookup.row(in: root, where: { $0.bytes(0)?.elementsEqual(key) ?? false }) else { return nil }
                guard let bytes = row.bytes(column) else { throw .damaged("has a row of \(table) without column \(column)") }
                return Array(bytes)
            }
            if file.settles(), try Header(file) == before { return try found.get() }
        }
        throw .damaged("is changed again and again while it is read")
    }

    private struct Header: Equatable {
        let pageSize: Int
        /// Bytes of a page without what extensions keep at its end.
        let usable: Int
        let changes: UInt32

        init(_ file: some DatabaseBytes) throws(PortcullisError) {
            let bytes = try file.bytes(at: 0, count: 100)[...]
            guard bytes.count == 100, bytes.prefix(16).elementsEqual("SQLite format 3\0".utf8), let size: UInt16 = bytes.integer(at: 16, bigEndian: true),
                let reserved: UInt8 = bytes.integer(at: 20), let changes: UInt32 = bytes.integer(at: 24, bigEndian: true)
            else { throw .damaged("is no SQLite database") }
            guard bytes.integer(at: 18) == UInt8(1), bytes.integer(at: 19) == UInt8(1) else { throw .damaged("is in the mode with a write-ahead log, which is not read here") }
            guard bytes.integer(at: 56, bigEndian: true) == UInt32(1) else { throw .damaged("has texts that are not UTF-8") }
            pageSize = size == 1 ? 65536 : Int(size)
            usable = pageSize - Int(reserved)
            self.changes = changes
            guard pageSize >= 512, pageSize & (pageSize - 1) == 0, usable >= 480 else { throw .damaged("has pages of \(pageSize) bytes") }
        }
    }

    // MARK: Rows

    /// One row's values, found by their types in its head.
    private struct Row {
        private var values: [(type: UInt64, value: ArraySlice<UInt8>)] = []

        var count: Int { values.count }

        /// As many values as are there: the first bytes of a row say what its first columns are.
        init(_ payload: ArraySlice<UInt8>) {
            var position = 0
            guard let headSize = SQLiteFile.number(payload, &position), headSize <= UInt64(payload.count) else { return }
            var start = Int(headSize)
            while position < Int(headSize) {
                guard let type = SQLiteFile.number(payload, &position), let size = Self.size(type), let value = payload.part(start, size) else { return }
                values.append((type, value))
                start += size
            }
        }

        private static func size(_ type: UInt64) -> Int? {
            switch type {
            case 0, 8, 9: 0
            case 1...4: Int(type)
            case 5: 6
            case 6, 7: 8
            case 10, 11: nil
            default: Int(exactly: (type - 12) / 2)
            }
        }

        /// A text, or a blob: Go's `[]byte` becomes one.
        func bytes(_ column: Int) -> ArraySlice<UInt8>? {
            guard values.indices.contains(column), values[column].type >= 12 else { return nil }
            return values[column].value
        }

        func integer(_ column: Int) -> UInt64? {
            guard values.indices.contains(column), (1...6).contains(values[column].type) else { return nil }
            return values[column].value.reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// A number of one to nine bytes, seven bits in each but the ninth.
    private static func number(_ bytes: ArraySlice<UInt8>, _ position: inout Int) -> UInt64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard let byte: UInt8 = bytes.integer(at: position) else { return nil }
            position += 1
            if index == 8 { return value << 8 | UInt64(byte) }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    // MARK: Pages

    private struct Lookup<File: DatabaseBytes> {
        let file: File
        let header: Header
        private var pages = 0

        init(file: File, header: Header) {
            self.file = file
            self.header = header
        }

        /// The first page of a table, by the table of all tables.
        mutating func root(of table: [UInt8]) throws(PortcullisError) -> UInt32? {
            let found = try row(in: 1) { ($0.bytes(0)?.elementsEqual("table".utf8) ?? false) && ($0.bytes(1)?.elementsEqual(table) ?? false) }
            guard let found else { return nil }
            guard let page = found.integer(3), let root = UInt32(exactly: page) else { throw .damaged("has a table without a page") }
            return root
        }

        /// The last row that is wanted by its first two columns: what is looked for is mostly the newest.
        mutating func row(in root: UInt32, where isWanted: (Row) -> Bool) throws(PortcullisError) -> Row? {
            var waiting = [root]
            while let number = waiting.popLast() {
                let page = try self.page(number), start = number == 1 ? 100 : 0
                guard let kind: UInt8 = page.integer(at: start), let count: UInt16 = page.integer(at: start + 3, bigEndian: true) else { throw .damaged("has no page \(number)") }
                guard kind == 5 || kind == 13 else { throw .damaged("has a page \(number) that is none of a table's") }
                for index in 0..<Int(count) {
                    guard let cell: UInt16 = page.integer(at: start + (kind == 5 ? 12 : 8) + index * 2, bigEndian: true) else { throw .beyond(number) }
                    if kind == 5 {
                        guard let child: UInt32 = page.integer(at: Int(cell), bigEndian: true) else { throw .beyond(number) }
                        waiting.append(child)
                    } else if let row = try row(at: Int(cell), in: page, number, where: isWanted) {
                        return row
                    }
                }
                if kind == 5, let last: UInt32 = page.integer(at: start + 8, bigEndian: true) { waiting.append(last) }
                guard waiting.count <= pagesLimit else { throw .damaged("has more than \(pagesLimit) pages to look through") }
            }
            return nil
        }

        /// The row that begins at `cell` if it is wanted: what is in the table's page, and what does not fit there in a chain of others.
        private mutating func row(at cell: Int, in page: ArraySlice<UInt8>, _ number: UInt32, where isWanted: (Row) -> Bool) throws(PortcullisError) -> Row? {
            var position = cell
            guard let length = SQLiteFile.number(page, &position), SQLiteFile.number(page, &position) != nil else { throw .beyond(number) }
            guard length <= UInt64(rowLimit) else { throw .damaged("has a row of \(length) bytes, of \(rowLimit) at most") }
            let size = Int(length), most = header.usable - 35, least = (header.usable - 12) * 32 / 255 - 23
            let spread = least + (size - least) % (header.usable - 4)
            let local = size <= most ? size : spread <= most ? spread : least
            guard let first = page.part(position, local) else { throw .beyond(number) }
            let start = Row(first)
            if local == size || start.count > 1, !isWanted(start) { return nil }
            guard local < size else { return start }
            guard var next: UInt32 = page.integer(at: position + local, bigEndian: true) else { throw .beyond(number) }
            var bytes = Array(first)
            bytes.reserveCapacity(size)
            while bytes.count < size {
                let more = try self.page(next)
                bytes += more.dropFirst(4).prefix(size - bytes.count)
                guard let following: UInt32 = more.integer(at: 0, bigEndian: true) else { throw .beyond(next) }
                next = following
            }
            let whole = Row(bytes[...])
            return isWanted(whole) ? whole : nil
        }

        private mutating func page(_ number: UInt32) throws(PortcullisError) -> ArraySlice<UInt8> {
            pages += 1
            guard pages <= pagesLimit else { throw .damaged("has more than \(pagesLimit) pages to look through") }
            guard number > 0 else { throw .damaged("has no page 0") }
            let bytes = try file.bytes(at: UInt64(number - 1) * UInt64(header.pageSize), count: header.pageSize)
            guard bytes.count == header.pageSize else { throw .damaged("ends before page \(number)") }
            return bytes.prefix(header.usable)
        }
    }
}

extension PortcullisError {
    fileprivate static func beyond(_ page: UInt32) -> PortcullisError { .damaged("has a page \(page) with rows beyond its end") }
}
