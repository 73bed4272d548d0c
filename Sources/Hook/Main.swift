import CHookSystem

/// The arguments after the program's name, as bytes.
private func arguments(_ count: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for index in 1..<max(Int(count), 1) {
        guard let argument = vector[index] else { break }
        var bytes: [UInt8] = []
        var offset = 0
        while argument[offset] != 0 {
            bytes.append(UInt8(bitPattern: argument[offset]))
            offset += 1
        }
        result.append(bytes)
    }
    return result
}

#if hasFeature(Embedded)
/// Called by C's `main` (hooksystem.c): Embedded Swift has neither `CommandLine` nor an entry point of its own.
@c(portcullis_main)
public func hookMain(_ count: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    Hook.run(arguments(count, vector))
}
#else
import Glibc

@main
struct Main {
    static func main() {
        exit(Hook.run(arguments(CommandLine.argc, CommandLine.unsafeArgv)))
    }
}
#endif
