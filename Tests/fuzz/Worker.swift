import Glibc

/// Reads inputs one after another, in a process of its own.
enum Worker {
    /// Exit code for an input that broke a promise, which is told on standard error.
    static let brokenExit: Int32 = 3

    static func run(_ target: FuzzTarget, _ mutator: Mutator, _ progress: SharedProgress, _ range: Range<UInt64>, seed: UInt64) throws {
        let read = try target.reader()
        for number in range {
            progress[.current] = number
            let input = mutator.input(number, seed: seed)
            let begin = processorTime()
            do throws(BrokenPromise) {
                if try read(input) { progress[.accepted] += 1 }
            } catch {
                complain("\(error)")
                exit(brokenExit)
            }
            let time = processorTime() - begin
            if time > progress[.slowest] {
                progress[.slowest] = time
                progress[.slowestNumber] = number
            }
            progress[.bytes] += UInt64(input.count)
            progress[.done] += 1
        }
    }

    /// Nanoseconds of this process's own, so that another program on the machine makes no input look slow.
    static func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// A line on standard output, there at once: a run takes minutes.
func say(_ text: String) { put(text, on: 1) }

func complain(_ text: String) { put(text, on: 2) }

private func put(_ text: String, on descriptor: Int32) {
    let line = Array((text + "\n").utf8)
    _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
}
