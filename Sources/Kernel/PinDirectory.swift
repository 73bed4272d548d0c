import Core
import Glibc

/// The names in a directory.
enum DirectoryNames {
    /// Without `.` and `..`; nil if it cannot be read.
    static func read(_ directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// What one ABI version has pinned, whichever it is.
enum PinDirectory {
    /// Removes every pin and the directory: links first, so that what runs to its end meanwhile still finds what it works with.
    ///
    /// - Returns: Pins that were removed.
    @discardableResult static func remove(_ directory: String) throws(PortcullisError) -> Int {
        let count = try empty(directory)
        guard rmdir(directory) == 0 else { throw PortcullisError(.kernel, "removing \(directory)", errno: errno) }
        return count
    }

    /// The same, but for the directory itself.
    @discardableResult static func empty(_ directory: String) throws(PortcullisError) -> Int {
        guard let names = DirectoryNames.read(directory) else { throw PortcullisError(.kernel, "reading \(directory)", errno: errno) }
        let grace = try GracePeriod()
        // A program that was asked before its policies were taken away still needs its judge.
        try grace.wait()
        let links = names.filter { $0.hasPrefix("link_") }
        try unlink(links, in: directory)
        if !links.isEmpty { try grace.wait() }
        // Without its mark nobody takes for whole what a removal that is cut off here leaves.
        try unlink(names.filter { $0 == "meta" }, in: directory)
        try unlink(names.filter { !$0.hasPrefix("link_") && $0 != "meta" }, in: directory)
        return names.count
    }

    private static func unlink(_ names: [String], in directory: String) throws(PortcullisError) {
        for name in names {
            guard Glibc.unlink("\(directory)/\(name)") == 0 || errno == ENOENT else {
                throw PortcullisError(.kernel, "removing \(directory)/\(name)", errno: errno)
            }
        }
    }
}
