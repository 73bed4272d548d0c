import Core
import Glibc

/// What the policy commands take from the command line.
enum PolicyText {
    /// NAMESPACE/NAME; a name alone is one of the namespace default.
    static func identity(_ argument: String) -> String {
        argument.contains("/") ? argument : ContainerLabels.defaultNamespace + "/" + argument
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
