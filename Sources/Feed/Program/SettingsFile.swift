#if Feed
import Core
import Glibc

/// The configuration file: settings as `NAME: VALUE`, the names of the flags. What it holds is put before the command line's flags, which therefore win.
enum SettingsFile {
    static let usual = "/etc/portcullis/feed.yaml"
    /// Bytes; no such file is anywhere near.
    private static let limit = 1 << 20

    /// The file's settings as flags; none if the usual file is not there.
    ///
    /// - Throws: `PortcullisError` (`.configuration`) that names file and line.
    static func arguments(for commandLine: [String]) throws(PortcullisError) -> [String] {
        let named = path(in: commandLine)
        let path = named ?? usual
        // One that is there and may not be read is not taken for none.
        guard named != nil || access(path, F_OK) == 0 || errno != ENOENT else { return [] }
        let root: YAMLNode?
        do { root = try YAMLParser.parse(try read(path)) } catch let error as YAMLError {
            throw PortcullisError(.configuration, "\(path):\(error.line):\(error.column): \(error.problem)")
        } catch let error as PortcullisError { throw error } catch { throw PortcullisError(.configuration, "\(path): \(error)") }
        guard let root else { return [] }
        guard case .mapping(let members) = root.value else { throw PortcullisError(.configuration, "\(path):\(root.line): expected settings as NAME: VALUE") }
        var arguments: [String] = []
        for member in members {
            guard case .scalar(let value, _) = member.value.value, member.key != "config" else {
                throw PortcullisError(.configuration, "\(path):\(member.line): \(member.key) takes one value")
            }
            // Switches have no value on the command line.
            switch (FeedConfiguration.switches.contains(member.key), value) {
            case (true, "true"): arguments.append("--\(member.key)")
            case (true, "false"): break
            case (true, _): throw PortcullisError(.configuration, "\(path):\(member.line): \(member.key): \(value) is not true or false")
            // An empty value is one of its own on a command line.
            default: arguments += value.isEmpty ? ["--\(member.key)", ""] : ["--\(member.key)=\(value)"]
            }
        }
        return arguments
    }

    private static func path(in commandLine: [String]) -> String? {
        for (index, argument) in commandLine.enumerated() {
            if argument.hasPrefix("--config=") { return String(argument.dropFirst(9)) }
            if argument == "--config", index + 1 < commandLine.count { return commandLine[index + 1] }
        }
        return nil
    }

    private static func read(_ path: String) throws(PortcullisError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening \(path)", errno: errno) }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while text.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw PortcullisError(.system, "reading \(path)", errno: errno) }
            if count == 0 { return text }
            text += buffer[..<count]
        }
        throw PortcullisError(.configuration, "\(path) is longer than \(limit) bytes")
    }
}
#endif
