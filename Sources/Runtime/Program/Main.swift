import CHookSystem

#if hasFeature(Embedded)
/// Called by C's `main` (hooksystem.c): Embedded Swift has neither `CommandLine` nor an entry point of its own.
@c(portcullis_main)
public func wrapperMain(_ count: Int32, _ vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    Wrapper.run(count, vector)
}
#else
import Glibc

@main
struct Main {
    static func main() {
        exit(Wrapper.run(CommandLine.argc, CommandLine.unsafeArgv))
    }
}
#endif
