#if Feed
import Glibc

/// Names of this machine's users, as passwd(5) has them: the feed asks no directory service, which may hang.
final class UserNames {
    private var names: [Int32: String] = [:]
    private var changed = timespec()

    /// Empty if there is none.
    func name(of uid: Int32) -> String { names[uid] ?? "" }

    /// Reads the file again if it has changed.
    func refresh() {
        var info = stat()
        guard stat("/etc/passwd", &info) == 0, info.st_mtim.tv_sec != changed.tv_sec || info.st_mtim.tv_nsec != changed.tv_nsec else { return }
        changed = info.st_mtim
        read()
    }

    private func read() {
        names = [:]
        guard let file = fopen("/etc/passwd", "re") else { return }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), file) != nil {
            let parts = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count > 3, let uid = Int32(String(decoding: parts[2], as: UTF8.self)), names[uid] == nil else { continue }
            names[uid] = String(decoding: parts[0], as: UTF8.self)
        }
    }
}
#endif
