#if Feed
import Core
import Logging
import NIOPosix
import Synchronization

/// One outlet: lines wait in a bounded queue, and a thread writes them. A place that takes nothing holds up neither clients nor other outlets; what there is no
/// room for is counted, and told in the outlet itself, where it would have been, as soon as that can be written.
final class Outlet: @unchecked Sendable {
    typealias Notice = @Sendable (KubeArmorMessage.Kind, UInt64, String) -> KubeArmorMessage

    /// Bytes of JSON that wait for one outlet at most, with those that are being written.
    static let byteLimit = 8 << 20
    /// Bytes that are written at one time: so much a file may be larger than its size.
    private static let chunkBytes = 256 << 10

    private struct Queue {
        var lines: [OutletLine] = []
        var bytes = 0
        /// Behind these lines.
        var dropped = OutletLosses()
        /// Somebody writes, or is about to.
        var isWriting = false
        var isClosed = false
        /// That it takes too little has been logged.
        var isTold = false
        var finished: CheckedContinuation<Void, Never>?
    }

    private let name: String
    private let threads: NIOThreadPool
    private let logger: Logger
    private let notice: Notice
    private let queue = Mutex(Queue())
    private let lost = Atomic<UInt64>(0)

    // What follows is the writer's, and there is one at a time.
    private let place: any OutletPlace
    private var untold = OutletLosses()
    private var why = ""
    private var toldProblem = ""

    init(_ name: String, _ place: any OutletPlace, _ threads: NIOThreadPool, _ logger: Logger, _ notice: @escaping Notice) {
        (self.name, self.place, self.threads, self.logger, self.notice) = (name, place, threads, logger, notice)
    }

    /// All messages that did not get where they should.
    var totalLost: UInt64 { lost.load(ordering: .relaxed) }

    func push(_ lines: [OutletLine]) {
        let (starts, isFull) = queue.withLock { queue -> (Bool, Bool) in
            guard !queue.isClosed else { return (false, false) }
            for line in lines {
                // Nothing goes past a gap: where one is lost, so are all until the writer has taken what waits.
                guard queue.dropped.isEmpty, queue.bytes + line.json.count <= Self.byteLimit else {
                    queue.dropped.add(line)
                    lost.wrappingAdd(line.weight, ordering: .relaxed)
                    continue
                }
                queue.bytes += line.json.count
                queue.lines.append(line)
            }
            defer {
                queue.isWriting = true
                if !queue.dropped.isEmpty { queue.isTold = true }
            }
            return (!queue.isWriting, !queue.dropped.isEmpty && !queue.isTold)
        }
        if isFull { logger.error("\(name) takes less than there is: lines are lost and counted") }
        if starts { threads.submit { _ in self.write() } }
    }

    /// Takes nothing more; returns when what waits is written, and what is missing told, or neither is possible.
    func finish() async {
        await withCheckedContinuation { continuation in
            let starts = queue.withLock { queue in
                (queue.isClosed, queue.finished) = (true, continuation)
                defer { queue.isWriting = true }
                return !queue.isWriting
            }
            if starts { threads.submit { _ in self.write() } }
        }
    }

    // MARK: The writer

    private func write() {
        tell()
        while let (lines, dropped) = take() {
            var rest = lines[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(Self.chunk(rest))
                rest = rest.dropFirst(chunk.count)
                write(chunk)
                let bytes = chunk.reduce(0) { $0 + $1.json.count }
                queue.withLock { $0.bytes -= bytes }
            }
            guard !dropped.isEmpty else { continue }
            untold.add(dropped)
            why = "\(name) took less than there was"
            tell()
        }
    }

    /// Lines that are written at one time: at least one.
    private static func chunk(_ lines: ArraySlice<OutletLine>) -> Int {
        var count = 0, bytes = 0
        for line in lines {
            bytes += line.json.count
            guard bytes <= chunkBytes || count == 0 else { break }
            count += 1
        }
        return count
    }

    /// All that waits; nil, and the writer is none any more, if nothing does.
    private func take() -> (lines: [OutletLine], dropped: OutletLosses)? {
        let (batch, finished) = queue.withLock { queue -> ((lines: [OutletLine], dropped: OutletLosses)?, CheckedContinuation<Void, Never>?) in
            guard !queue.lines.isEmpty || !queue.dropped.isEmpty else {
                (queue.isWriting, queue.isTold) = (false, false)
                defer { queue.finished = nil }
                return (nil, queue.finished)
            }
            defer { (queue.lines, queue.dropped) = ([], OutletLosses()) }
            return ((queue.lines, queue.dropped), nil)
        }
        finished?.resume()
        return batch
    }

    private func write(_ lines: ArraySlice<OutletLine>) {
        tell()
        // What is written now would stand before the word about what is missing.
        let missing = untold.isEmpty ? place.write(lines) : lines.reduce(into: OutletLosses()) { $0.add($1) }
        lost.wrappingAdd(missing.total, ordering: .relaxed)
        untold.add(missing)
        if !missing.isEmpty { why = "\(name): \(place.problem)" }
        logProblem(isLoss: !missing.isEmpty)
    }

    /// Says in the outlet what is missing in it, if that can be written.
    private func tell() {
        for kind in [KubeArmorMessage.Kind.alert, .log] where untold[kind] > 0 {
            guard place.write([OutletLine(notice(kind, untold[kind], why))]).isEmpty else { return }
            untold[kind] = 0
        }
    }

    /// Once for each reason, and not once for each line.
    private func logProblem(isLoss: Bool) {
        let problem = place.problem
        defer { toldProblem = problem }
        guard !problem.isEmpty, problem != toldProblem else { return }
        logger.error("\(name): \(problem): \(isLoss ? "lines are lost and counted" : "it grows beyond its size")")
    }
}
#endif
