import Foundation

/// A directory of the reader's own, in memory where there is one.
struct ScratchDirectory {
    let path: String

    private static let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"

    init(_ name: String) throws(BrokenPromise) {
        path = "\(Self.base)/fuzz-\(getpid())-\(name)"
        guard mkdir(path, 0o700) == 0 else { throw BrokenPromise(description: "cannot make \(path)") }
    }

    /// What a worker left: most are ended before they could.
    static func remove(of pid: Int32) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? [] where name.hasPrefix("fuzz-\(pid)-") {
            try? FileManager.default.removeItem(atPath: base + "/" + name)
        }
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }
}
