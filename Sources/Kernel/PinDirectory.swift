import Core
import Glibc

/// The names in a directory.
enum DirectoryNames {
    /// Without `.` and `..`; none if there is no such directory.
    static func read(_ directory: String) throws(PortcullisError) -> [String] {
        guard let stream = opendir(directory) else {
            guard errno != ENOENT else { return [] }
            throw PortcullisError(.kernel, "reading \(directory)", errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw PortcullisError(.kernel, "reading \(directory)", errno: errno) }
                return names
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}

/// What one ABI version has pinned, whichever it is.
enum PinDirectory {
    /// Removes every pin and the directory: links first, so that what runs to its end meanwhile still finds what it works with.
    ///
    /// - Returns: Pins that were removed.
    @discardableResult static func remove(_ directory: String, _ words: PinnedWords? = nil) throws(PortcullisError) -> Int {
        let count = try empty(directory, words)
        guard rmdir(directory) == 0 else { throw PortcullisError(.kernel, "removing \(directory)", errno: errno) }
        return count
    }

    /// The same, but for the directory itself.
    ///
    /// - Parameter words: Theirs, where they are open already: a daemon in its sandbox cannot find out any more where they are.
    @discardableResult static func empty(_ directory: String, _ words: PinnedWords? = nil) throws(PortcullisError) -> Int {
        let names = try DirectoryNames.read(directory)
        let grace = try GracePeriod()
        // The kernel detaches programs in its own time, and one whose judge has gone refuses whatever it is asked: so first nobody is asked about any more.
        // Where these maps were never pinned, no program is either.
        if let words {
            words.dropPolicies()
        } else if names.contains("slots"), names.contains("switches") {
            try PinnedWords(directory).dropPolicies()
        }
        // A program that was asked before still needs its judge.
        try grace.wait()
        let links = names.filter { $0.hasPrefix("link_") }
        // First the one that tells whether labels are kept up there (FormerPins.keepsLabels).
        try unlink(links.filter { $0 == FormerPins.labellingLink }, in: directory)
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
