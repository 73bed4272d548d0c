#if Feed
import Glibc
import NIOPosix

/// SIGTERM and SIGINT, as something to wait for. A handler and a pipe: to block the signals and read them from a descriptor would need every thread of the
/// process to block them, and the runtime's own main thread does not.
enum Ending {
    private static let pipe: (reading: Int32, writing: Int32) = {
        var ends: [Int32] = [-1, -1]
        return Glibc.pipe(&ends) == 0 ? (ends[0], ends[1]) : (-1, -1)
    }()
    private static let thread = NIOThreadPool(numberOfThreads: 1)

    /// From now on the signals end nothing by themselves.
    static func prepare() {
        // Without a pipe they do what they always did. It is made here, and not in the handler.
        guard pipe.reading >= 0 else { return }
        thread.start()
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                let error = errno
                var byte: UInt8 = 0
                _ = write(Ending.pipe.writing, &byte, 1)
                errno = error
            }
        }
    }

    /// Returns when one of them has come.
    static func requested() async {
        let isAsked = try? await thread.runIfActive {
            var byte: UInt8 = 0
            while true {
                let count = read(pipe.reading, &byte, 1)
                if count < 0, errno == EINTR { continue }
                return count == 1
            }
        }
        if isAsked != true { while true { try? await Task.sleep(for: .seconds(86_400)) } }
    }
}
#endif
