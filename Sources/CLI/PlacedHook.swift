import ArgumentParser
import Core
import Glibc

/// Where the hook's program comes from, and where the runtime is to find it.
struct HookPlaceOptions: ParsableArguments {
    @Option(help: "The hook's program; by default the one installed with this program.", completion: .file())
    var hook: String?

    @Option(help: ArgumentHelp("Where the runtime finds it. By default where it is, if it is installed, else \(HookFile.usualPath).", valueName: "path"), completion: .file())
    var target: String?

    @Option(help: "Where the host's root directory is mounted, for a container that installs: files go below it, and name each other without it.", completion: .directory)
    var hostRoot = "/"

    /// - Throws: `.configuration` for a path that is not absolute or has a part `..`.
    func place() throws(PortcullisError) -> HookPlace {
        try HookPlace(hook: hook, target: target.map { text throws(PortcullisError) in try HookPlace.absolute(text, "--target") }, hostRoot: try HookPlace.absolute(hostRoot, "--host-root"))
    }
}

/// The hook's program on the host.
struct HookPlace {
    /// The host's own name for it.
    let target: String
    /// What is copied there.
    private let source: String?
    private let hostRoot: String

    init(hook: String?, target: String?, hostRoot: String) throws(PortcullisError) {
        self.hostRoot = hostRoot
        let found = hook ?? Self.installed()
        source = try found.map { path throws(PortcullisError) in try PlacedFile.realPath(path) }
        // An installed one stays where it is. One out of a build tree, or of a container's image, is not where the host would find it tomorrow.
        let isInstalled = hostRoot == "/" && source?.hasSuffix("/libexec/portcullis/" + HookFile.program) == true
        self.target = target ?? (isInstalled ? source : nil) ?? HookFile.usualPath
        guard PlacedFile.split(self.target).name == HookFile.program else {
            throw PortcullisError(.configuration, "\(self.target): --target has to end in /\(HookFile.program), by which it is known for ours")
        }
    }

    /// Beside this program, or where `make install` puts it.
    static func installed() -> String? {
        guard let directory = InstalledDaemon.ownDirectory() else { return nil }
        // The third is where nodes of Kubernetes are given it.
        return [
            "\(directory)/../libexec/portcullis/\(HookFile.program)", "\(directory)/\(HookFile.program)", "\(directory)/../libexec/\(HookFile.program)",
        ].first { access($0, F_OK) == 0 }
    }

    /// A path of the host's as it is to be opened here.
    func here(_ path: String) -> String { hostRoot == "/" ? path : hostRoot + path }

    /// A directory of the host's: to be looked at before anything is changed, and to be made when it is needed.
    func examine(_ directory: String) throws(PortcullisError) { try PlacedFile.examine(here(directory), within: hostRoot) }
    func prepare(_ directory: String) throws(PortcullisError) { try PlacedFile.prepare(here(directory), within: hostRoot) }

    /// Puts the program in place, if it is not there yet, and makes sure that it runs with these options.
    ///
    /// - Returns: What was done.
    func install(_ options: [String]) throws(PortcullisError) -> String {
        guard let source else { throw PortcullisError(.system, "no \(HookFile.program) beside this program nor in ../libexec/portcullis; name it with --hook") }
        let path = here(target)
        let wanted = try program(source)
        try Self.check(source, options)
        try prepare(PlacedFile.split(target).directory)
        let present = try PlacedFile.read(path, limit: Self.limit)
        if let present, present == wanted, Self.isSafe(path) {
            try Self.check(path, options)
            return "\(target): is in place"
        }
        if let present, !Self.isOurs(present) { throw PortcullisError(.conflict, "\(path) is there already and is no \(HookFile.program)") }
        guard try PlacedFile.realPath(PlacedFile.split(path).directory) + "/" + HookFile.program != source else {
            throw PortcullisError(.peer, "\(source) is not believed: it is not root's, or others may write it, or it cannot be executed")
        }
        try PlacedFile.write(wanted, to: path, mode: 0o755) { new throws(PortcullisError) in try Self.check(new, options) }
        return "\(target): copied from \(source)"
    }

    /// Takes the program away, unless it belongs to what is installed here.
    ///
    /// - Parameter named: The program that the runtime was told of, if it was told of one.
    func uninstall(_ named: String?) throws(PortcullisError) -> String {
        let target = named ?? self.target
        if belongsHere(target) { return "\(target): stays, it belongs to this installation" }
        guard try examineInstalled(named) else { return "\(target): is not there" }
        try PlacedFile.remove(here(target))
        return "\(target): removed"
    }

    /// Looks at the program that is to be taken away, and changes nothing.
    ///
    /// - Returns: False if there is none to be taken away.
    /// - Throws: For what is not ours, or lies where others could have put it.
    @discardableResult
    func examineInstalled(_ named: String?) throws(PortcullisError) -> Bool {
        let target = try Self.absolute(named ?? self.target, "hook.path"), path = here(target)
        guard !belongsHere(target), access(path, F_OK) == 0 || errno != ENOENT else { return false }
        try examine(PlacedFile.split(target).directory)
        guard let present = try PlacedFile.read(path, limit: Self.limit, isOurs: true) else { return false }
        guard Self.isOurs(present) else { throw PortcullisError(.conflict, "\(path) is no \(HookFile.program), and stays") }
        return true
    }

    private func belongsHere(_ target: String) -> Bool {
        guard hostRoot == "/", let own = Self.installed(), let own = try? PlacedFile.realPath(own) else { return false }
        return own == (try? PlacedFile.realPath(here(target)))
    }

    // MARK: The program

    /// Far more than the hook has, with a sanitizer's runtime too.
    private static let limit = 64 << 20

    private func program(_ path: String) throws(PortcullisError) -> [UInt8] {
        guard let bytes = try PlacedFile.read(path, limit: Self.limit) else { throw PortcullisError(.system, "reading \(path)", errno: ENOENT) }
        guard access(path, X_OK) == 0 else { throw PortcullisError(.configuration, "\(path) cannot be executed", errno: errno) }
        if let problem = ELFProgram.problem(head: Array(bytes.prefix(ELFProgram.headBytes)), machine: Self.machine) { throw PortcullisError(.configuration, "\(path) \(problem)") }
        guard Self.isOurs(bytes) else { throw PortcullisError(.configuration, "\(path) is no \(HookFile.program)") }
        return bytes
    }

    /// This machine's kind, as uname(2) names it.
    static var machine: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The line that it begins its complaints with is in it, and it is a program.
    private static func isOurs(_ bytes: [UInt8]) -> Bool {
        guard bytes.starts(with: [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]) else { return false }
        let mark = Array("\(HookFile.program): ".utf8)
        return bytes.withUnsafeBytes { bytes in
            (0..<max(bytes.count - mark.count, 0)).contains { bytes[$0] == mark[0] && bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
        }
    }

    /// Root runs it for every container.
    private static func isSafe(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_uid == 0 && info.st_mode & 0o022 == 0 && info.st_mode & 0o111 == 0o111
    }

    /// Runs it, so that what cannot be executed where it is, or does not take these options, is never named to a runtime.
    private static func check(_ path: String, _ options: [String]) throws(PortcullisError) {
        let (output, status) = try ChildOutput.runToEnd(path, options + ["--version"])
        guard status == 0, output.starts(with: Array("\(HookFile.program) ".utf8)) else {
            throw PortcullisError(.configuration, "\(path) does not run\(options.isEmpty ? "" : " with \(options.joined(separator: " "))") (exit status \(status))")
        }
    }

    static func absolute(_ path: String, _ option: String) throws(PortcullisError) -> String {
        let parts = path.split(separator: "/")
        guard path.hasPrefix("/"), !parts.contains("..") else { throw PortcullisError(.configuration, "\(path): \(option) takes an absolute path") }
        return "/" + parts.joined(separator: "/")
    }
}
