/// Writes pages as bbolt does, so that every form of them is there in a few kilobytes.
struct BoltBuilder {
    let pageSize: Int
    var file: [UInt8] = []

    static func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    private mutating func put(_ page: Int, _ bytes: [UInt8]) {
        let end = page * pageSize + (bytes.count + pageSize - 1) / pageSize * pageSize
        if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
        file.replaceSubrange(page * pageSize..<page * pageSize + bytes.count, with: bytes)
    }

    static func header(_ page: Int, _ flags: UInt16, _ count: Int, _ more: Int) -> [UInt8] {
        little(UInt64(page)) + little(flags) + little(UInt16(count)) + little(UInt32(more))
    }

    static func leafBody(_ elements: [(isBucket: Bool, key: [UInt8], value: [UInt8])]) -> [UInt8] {
        var heads: [UInt8] = [], data: [UInt8] = []
        for (index, element) in elements.enumerated() {
            let position = (elements.count - index) * 16 + data.count
            heads += little(UInt32(element.isBucket ? 1 : 0)) + little(UInt32(position)) + little(UInt32(element.key.count)) + little(UInt32(element.value.count))
            data += element.key + element.value
        }
        return heads + data
    }

    mutating func leaf(_ page: Int, _ elements: [(isBucket: Bool, key: [UInt8], value: [UInt8])]) {
        let body = Self.leafBody(elements)
        put(page, Self.header(page, 2, elements.count, (16 + body.count - 1) / pageSize) + body)
    }

    mutating func branch(_ page: Int, _ children: [(key: [UInt8], page: Int)]) {
        var heads: [UInt8] = [], data: [UInt8] = []
        for (index, child) in children.enumerated() {
            heads += Self.little(UInt32((children.count - index) * 16 + data.count)) + Self.little(UInt32(child.key.count)) + Self.little(UInt64(child.page))
            data += child.key
        }
        put(page, Self.header(page, 1, children.count, 0) + heads + data)
    }

    mutating func meta(_ page: Int, root: Int, pages: Int, transaction: Int) {
        var body = Self.little(UInt32(0xED0C_DAED)) + Self.little(UInt32(2)) + Self.little(UInt32(pageSize)) + Self.little(UInt32(0))
        body += Self.little(UInt64(root)) + Self.little(UInt64(0)) + Self.little(UInt64(2)) + Self.little(UInt64(pages)) + Self.little(UInt64(transaction))
        let sum = body.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        put(page, Self.header(page, 4, 0, 0) + body + Self.little(sum))
    }

    /// A bucket whose root is a page.
    static func bucket(_ root: Int) -> [UInt8] { little(UInt64(root)) + little(UInt64(0)) }

    /// A bucket without a page of its own.
    static func inline(_ elements: [(isBucket: Bool, key: [UInt8], value: [UInt8])]) -> [UInt8] {
        bucket(0) + header(0, 2, elements.count, 0) + leafBody(elements)
    }

    /// Containers in podman's buckets: of `a`, `m` and `z`, with a branch above them and a configuration of several pages.
    static func podman(pageSize: Int = 512, label: String = "shop", transaction: Int = 7) -> BoltBuilder {
        func text(_ text: String) -> [UInt8] { Array(text.utf8) }
        let long = text(#"{"spec":{"annotations":{"labels":"no"},"x":"\#(String(repeating: "x", count: 3 * pageSize))"},"labels":{"app":"\#(label)"}}"#)
        var file = BoltBuilder(pageSize: pageSize)
        file.meta(0, root: 3, pages: 13, transaction: transaction)
        file.meta(1, root: 12, pages: 13, transaction: transaction - 1)
        file.leaf(3, [(true, text("all-ctrs"), bucket(12)), (true, text("ctr"), bucket(4)), (false, text("version"), text("1"))])
        file.branch(4, [(text("a"), 5), (text("n"), 6)])
        file.leaf(5, [(true, text("a"), bucket(7)), (true, text("m"), inline([(false, text("config"), text(#"{"labels":{"app":"small"}}"#))]))])
        file.leaf(6, [(true, text("z"), inline([(false, text("state"), text("{}"))]))])
        file.leaf(7, [(false, text("config"), long), (false, text("state"), text("{}"))])
        file.leaf(12, [(true, text("old"), bucket(12))])
        return file
    }
}
