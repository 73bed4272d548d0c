import CLinux
import Core
import Glibc

/// `portcullis replay`, run as a child: it looks for running containers and tells of them over the hook socket like anybody else.
struct ReplayProgram {
    /// Seconds between its first scan and its second, which finds what was just being made during the first.
    static let secondScanDelay = 3

    let pid: pid_t
    /// Readable when it has ended.
    let descriptor: Int32

    /// Starts it, with this process's standard error.
    ///
    /// - Throws: `.system` if there is no such program or it cannot be run.
    init(configuration: Configuration) throws(PortcullisError) {
        let program = try Self.path(configuration)
        var words = [program, "replay", "--socket", configuration.hookSocket, "--again", "\(Self.secondScanDelay)s", "--quiet"]
        for root in configuration.replayRoots { words += ["--root", root] }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The daemon has its signals blocked, and SIGPIPE ignored; a child that inherited that could not be ended.
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var child: pid_t = 0
        let result = posix_spawn(&child, program, &actions, &attributes, &arguments, &environment)
        guard result == 0 else { throw PortcullisError(.system, "running \(program)", errno: result) }
        pid = child
        let descriptor = pcl_pidfd_open(child)
        guard descriptor >= 0 else {
            kill(child, SIGKILL)
            _ = Self.wait(child)
            throw PortcullisError(.system, "watching \(program)", errno: -descriptor)
        }
        self.descriptor = descriptor
    }

    /// The program beside this one, or in the directory that `make install` puts it in.
    private static func path(_ configuration: Configuration) throws(PortcullisError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { throw PortcullisError(.system, "reading /proc/self/exe", errno: errno) }
        let own = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
        let places: [String] = [directory + "/portcullis", directory + "/../bin/portcullis"]
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else {
            throw PortcullisError(.system, "there is no portcullis beside \(own) nor in ../bin, which looks for running containers")
        }
        return found
    }

    /// After its end: nil if all went well, else how it ended.
    func outcome() -> String? {
        close(descriptor)
        let status = Self.wait(pid)
        let signal = status & 0x7F
        if signal != 0 { return "portcullis replay was ended by signal \(signal)" }
        return status >> 8 & 0xFF == 0 ? nil : "portcullis replay ended with status \(status >> 8 & 0xFF)"
    }

    private static func wait(_ pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
