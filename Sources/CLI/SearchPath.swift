import Glibc

/// Programs by their names alone.
enum SearchPath {
    /// Looks in `PATH`, then in the `sbin` beside each `bin` of it: cron's has only the latter, and runtimes lie in the former.
    static func find(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin", directories = path.split(separator: ":").map(String.init)
        let beside = directories.filter { $0.hasSuffix("/bin") }.map { String($0.dropLast(3)) + "sbin" }
        return (directories + beside).map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}
