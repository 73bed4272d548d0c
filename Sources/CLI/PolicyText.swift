import Core
import Glibc

/// What the policy commands take from the command line.
enum PolicyText {
    /// NAMESPACE/NAME; a name alone is one of the namespace default.
    static func identity(_ argument: String) -> String {
        argument.contains("/") ? argument : ContainerLabels.defaultNamespace + "/" + argument
    }

    /// The files that an argument stands for: of a directory those that the daemon would read there and JSON files, sorted, and not those of
    /// directories in it. What is no directory stands for itself.
    static func files(_ argument: String) throws(PortcullisError) -> [String] {
        var info = stat()
        guard argument != "-", stat(argument, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return [argument] }
        guard let stream = opendir(argument) else { throw PortcullisError(.configuration, argument, errno: errno) }
        defer { closedir(stream) }
        var files: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard !name.hasPrefix("."), [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) else { continue }
            files.append(argument.hasSuffix("/") ? argument + name : argument + "/" + name)
        }
        guard !files.isEmpty else { throw PortcullisError(.configuration, "there is no .yaml, .yml or .json file in it") }
        return files.sorted()
    }

    /// A file, or standard input for "-". What is too long to be policies is not read to its end.
    static func read(_ file: String) throws(PortcullisError) -> [UInt8] {
        let descriptor = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.configuration, file, errno: errno) }
        defer { if descriptor != 0 { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= PolicyParser.fileLimit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PortcullisError(.configuration, file, errno: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
        throw PortcullisError(.configuration, "\(file): more than \(PolicyParser.fileLimit >> 20) MiB are no policy file")
    }
}
