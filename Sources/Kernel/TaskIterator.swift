import CLibBPF
import Core
import Glibc

/// One run of an iterator program over all tasks (bpf_iter, kernel 5.8).
enum TaskIterator {
    /// - Parameters:
    ///   - action: What the program does, for errors.
    ///   - take: Gets what the program prints, piece by piece.
    static func run(
        _ program: OpaquePointer, _ action: String, bufferBytes: Int = 4096, take: (ArraySlice<UInt8>) -> Void = { _ in }
    ) throws(PortcullisError) {
        guard let link = bpf_program__attach_iter(program, nil) else {
            throw PortcullisError(.kernel, "attaching the program for \(action)", errno: errno)
        }
        defer { bpf_link__destroy(link) }
        let descriptor = bpf_iter_create(bpf_link__fd(link))
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "starting the program for \(action)", errno: errno) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: bufferBytes)
        // A long run is interrupted by the kernel now and then (EAGAIN). Of one that prints nothing the first whole reading is the end.
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { throw PortcullisError(.kernel, action, errno: errno) }
            if count == 0 { return }
            take(buffer[..<count])
        }
    }
}
