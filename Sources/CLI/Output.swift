import Glibc

/// Standard output and error, unbuffered by line so that a pipe sees each event at once.
enum Output {
    static var isTerminal: Bool { isatty(1) == 1 }

    /// Writes one line; a reader that has gone ends the program as it ends `cat`.
    static func line(_ bytes: [UInt8]) {
        var line = bytes
        line.append(0x0A)
        write(line)
    }

    /// The bytes as they are.
    static func write(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { exit(1) }
            written += count
        }
    }

    static func line(_ text: String) { line(Array(text.utf8)) }

    static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }

    /// Text of a container's own making, safe for a terminal.
    static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
    }
}

/// Columns padded to their widest cell; the last one is left as it is.
struct Table {
    private var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

    mutating func add(_ cells: [String]) { rows.append(cells.map { $0.isEmpty ? "-" : Output.clean($0) }) }

    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return line
        }
    }

    func print() { for line in lines { Output.line(line) } }
}
