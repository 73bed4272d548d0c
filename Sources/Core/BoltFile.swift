/// What is looked up in a database of bbolt's, the library by which podman 4 keeps its containers.
///
/// A transaction writes pages that no finished one uses, then one of two meta pages that names its root. So a reader without a lock sees one transaction
/// whole, as long as that is still the last one when it is done: what that one uses is written over by the second after it at the earliest.
public enum BoltFile {
    /// Looks at a file that is changed during each of them.
    static let attempts = 8
    /// Pages on the way to one value.
    private static let depthLimit = 32
    /// Bytes of a page with those that belong to it.
    private static let nodeLimit = 4 << 20
    private static let headerBytes = 16
    private static let metaBytes = 80
    private static let branchFlag: UInt16 = 1, leafFlag: UInt16 = 2, metaFlag: UInt16 = 4

    /// The value of `key` in the bucket that `path` leads to; nil if the bucket or the key is not there.
    ///
    /// - Throws: `.peer` for what is no such database, or is changed again and again; what the file itself throws.
    public static func value(of key: [UInt8], in path: [[UInt8]], from file: some DatabaseBytes) throws(PortcullisError) -> [UInt8]? {
        for _ in 0..<attempts {
            let before = try lastMeta(file)
            // What was damaged by a writer beside this is no error.
            let found = Result { () throws(PortcullisError) in try Lookup(file: file, meta: before).value(of: key, in: path) }
            if try lastMeta(file) == before { return try found.get() }
        }
        throw .damaged("is changed again and again while it is read")
    }

    // MARK: The meta pages

    private struct Meta: Equatable {
        var pageSize = 0
        var root: UInt64 = 0
        var pages: UInt64 = 0
        var transaction: UInt64 = 0
    }

    private static func lastMeta(_ file: some DatabaseBytes) throws(PortcullisError) -> Meta {
        var last = meta(try file.bytes(at: 0, count: metaBytes)[...])
        // Where the first is damaged, the second is looked for behind a page of each usual size.
        for size in last.map({ [$0.pageSize] }) ?? [4096, 8192, 16384, 32768, 65536] {
            guard let other = meta(try file.bytes(at: UInt64(size), count: metaBytes)[...]), other.pageSize == size else { continue }
            if other.transaction > last?.transaction ?? 0 { last = other }
        }
        guard let last else { throw .damaged("is no bbolt database, or both its meta pages are damaged") }
        return last
    }

    /// nil for a page that is no meta page, or was not written to its end.
    private static func meta(_ page: ArraySlice<UInt8>) -> Meta? {
        guard page.integer(at: 8) == metaFlag, let body = page.part(headerBytes, 64) else { return nil }
        guard body.integer(at: 0) == UInt32(0xED0C_DAED), body.integer(at: 4) == UInt32(2), body.integer(at: 56) == checksum(body.prefix(56)),
            let size: UInt32 = body.integer(at: 8), let root: UInt64 = body.integer(at: 16), let pages: UInt64 = body.integer(at: 40),
            let transaction: UInt64 = body.integer(at: 48)
        else { return nil }
        guard size >= 512, size <= 65536, size & (size - 1) == 0 else { return nil }
        return Meta(pageSize: Int(size), root: root, pages: pages, transaction: transaction)
    }

    /// FNV-1a.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    // MARK: The tree

    private struct Lookup<File: DatabaseBytes> {
        let file: File
        let meta: Meta

        func value(of key: [UInt8], in path: [[UInt8]]) throws(PortcullisError) -> [UInt8]? {
            var steps = 0
            var node = try page(meta.root)
            for name in path {
                guard let found = try find(name, from: node, &steps), found.isBucket else { return nil }
                guard let root: UInt64 = found.value.integer(at: 0), let inline = found.value.part(16, found.value.count - 16) else {
                    throw .damaged("has a bucket of \(found.value.count) bytes")
                }
                // A small bucket has no page of its own: its only one follows.
                node = root == 0 ? inline : try page(root)
            }
            guard let found = try find(key, from: node, &steps), !found.isBucket else { return nil }
            return Array(found.value)
        }

        /// A page with its header and all that belongs to it.
        private func page(_ number: UInt64) throws(PortcullisError) -> ArraySlice<UInt8> {
            guard number > 1, number < meta.pages, number < UInt64(Int64.max) / UInt64(meta.pageSize) else { throw .damaged("has no page \(number)") }
            let start = number * UInt64(meta.pageSize)
            var bytes = try file.bytes(at: start, count: meta.pageSize)
            guard bytes.count == meta.pageSize, bytes[...].integer(at: 0) == number, let more: UInt32 = bytes[...].integer(at: 12) else {
                throw .damaged("has no page \(number)")
            }
            if more > 0 {
                let whole = (Int(more) + 1) * meta.pageSize
                guard whole <= nodeLimit else { throw .damaged("has \(whole) bytes in page \(number), of \(nodeLimit) at most") }
                bytes = try file.bytes(at: start, count: whole)
                guard bytes.count == whole, bytes[...].integer(at: 0) == number else { throw .damaged("ends in page \(number)") }
            }
            return bytes[...]
        }

        private func find(_ key: [UInt8], from root: ArraySlice<UInt8>, _ steps: inout Int) throws(PortcullisError) -> (isBucket: Bool, value: ArraySlice<UInt8>)? {
            var node = root
            while steps < depthLimit {
                steps += 1
                guard let flags: UInt16 = node.integer(at: 8), let count: UInt16 = node.integer(at: 10) else { throw .damaged("has a page without a header") }
                if flags == leafFlag { return try element(key, in: node, Int(count)) }
                guard flags == branchFlag else { throw .damaged("has a page that is neither branch nor leaf") }
                guard let next = try child(key, in: node, Int(count)) else { return nil }
                node = try page(next)
            }
            throw .damaged("is deeper than \(depthLimit) pages")
        }

        private func element(_ key: [UInt8], in leaf: ArraySlice<UInt8>, _ count: Int) throws(PortcullisError) -> (isBucket: Bool, value: ArraySlice<UInt8>)? {
            for index in 0..<count {
                let start = headerBytes + index * 16
                guard let flags: UInt32 = leaf.integer(at: start), let position: UInt32 = leaf.integer(at: start + 4), let keySize: UInt32 = leaf.integer(at: start + 8),
                    let valueSize: UInt32 = leaf.integer(at: start + 12), let name = leaf.part(start + Int(position), Int(keySize))
                else { throw .damaged("has a leaf with an element beyond its end") }
                guard name.elementsEqual(key) else { continue }
                guard let value = leaf.part(start + Int(position) + Int(keySize), Int(valueSize)) else { throw .damaged("has a leaf with a value beyond its end") }
                return (flags & 1 != 0, value)
            }
            return nil
        }

        /// The last child whose first key is not behind `key`; nil if all are.
        private func child(_ key: [UInt8], in branch: ArraySlice<UInt8>, _ count: Int) throws(PortcullisError) -> UInt64? {
            var found: UInt64?
            for index in 0..<count {
                let start = headerBytes + index * 16
                guard let position: UInt32 = branch.integer(at: start), let keySize: UInt32 = branch.integer(at: start + 4), let number: UInt64 = branch.integer(at: start + 8),
                    let first = branch.part(start + Int(position), Int(keySize))
                else { throw .damaged("has a branch with an element beyond its end") }
                if key.lexicographicallyPrecedes(first) { break }
                found = number
            }
            return found
        }
    }
}
