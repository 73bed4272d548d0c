/// A database's file, read at any place: on disk, or in memory for tests. Nothing is locked: its owner may write while it is read.
public protocol DatabaseBytes {
    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    ///
    /// - Throws: `.system` with the errno.
    func bytes(at offset: UInt64, count: Int) throws(PortcullisError) -> [UInt8]

    /// Waits a little for a writer that changes pages in place to be done with it. False if it is still at it.
    func settles() -> Bool
}

/// A file that is in memory already.
public struct DatabaseArray: DatabaseBytes {
    private let content: [UInt8]

    public init(_ content: [UInt8]) { self.content = content }

    public func bytes(at offset: UInt64, count: Int) -> [UInt8] {
        guard let start = Int(exactly: offset), start < content.count, count > 0 else { return [] }
        return Array(content[start..<min(start + count, content.count)])
    }

    public func settles() -> Bool { true }
}

extension PortcullisError {
    /// A database that is not as its format says. Whoever read the file puts its path before this.
    static func damaged(_ what: String) -> PortcullisError { PortcullisError(.peer, what) }
}

extension ArraySlice<UInt8> {
    /// The integer `offset` bytes behind the start, of the format's byte order; nil beyond the end.
    func integer<Integer: FixedWidthInteger & UnsignedInteger>(at offset: Int, bigEndian: Bool = false) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard offset >= 0, offset <= count - size else { return nil }
        var value: Integer = 0
        for index in 0..<size {
            let byte = Integer(self[startIndex + offset + (bigEndian ? index : size - 1 - index)])
            value = value << 8 | byte
        }
        return value
    }

    /// `count` bytes, `offset` bytes behind the start; nil if they are not all there.
    func part(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        return self[startIndex + offset..<startIndex + offset + count]
    }
}
