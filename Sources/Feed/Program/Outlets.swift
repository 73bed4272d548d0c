#if Feed
import Core
import Logging
import NIOPosix

/// Where alerts and logs go as JSON lines, as `karmor logs --json` prints them: a file, standard output, the journal. Each is written by a thread of its own.
final class Outlets: Sendable {
    /// How long what waits may be written when the program is to end.
    static let endingTime = Duration.seconds(5)

    /// Messages that could not be written, by outlet.
    struct Lost: Sendable {
        var file: UInt64 = 0
        var output: UInt64 = 0
        var journal: UInt64 = 0
    }

    private let file: Outlet?
    private let output: Outlet?
    private let journal: Outlet?

    /// - Parameter notice: Words a loss: whose, how many, why.
    init(_ options: FeedConfiguration, _ logger: Logger, notice: @escaping Outlet.Notice) {
        // One that is stuck takes no thread of another.
        let threads = NIOThreadPool(numberOfThreads: 3)
        func outlet(_ isUsed: Bool, _ name: String, _ place: @autoclosure () -> any OutletPlace) -> Outlet? {
            isUsed ? Outlet(name, place(), threads, logger, notice) : nil
        }
        file = outlet(!options.jsonFile.isEmpty, "json-file", JSONFile(options.jsonFile, limit: options.jsonFileMib << 20, kept: options.jsonFilesKept))
        output = outlet(options.jsonOutput, "json-output", StandardOutput())
        journal = outlet(options.journal, "journal", Journal(options.journalSocket))
        if isUsed { threads.start() }
    }

    private var all: [Outlet] { [file, output, journal].compactMap(\.self) }

    var isUsed: Bool { !all.isEmpty }
    /// Waits for nothing, whatever is stuck.
    var lost: Lost { Lost(file: file?.totalLost ?? 0, output: output?.totalLost ?? 0, journal: journal?.totalLost ?? 0) }

    /// Alerts and logs come from two threads; lines of one batch stay together.
    func write(_ messages: [KubeArmorMessage]) {
        guard isUsed, !messages.isEmpty else { return }
        let lines = messages.map { OutletLine($0) }
        for outlet in all { outlet.push(lines) }
    }

    /// Takes nothing more, and returns when what waits is written, or the time for it is over.
    func finish() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let outlets = all
        Task {
            await withDiscardingTaskGroup { group in for outlet in outlets { group.addTask { await outlet.finish() } } }
            end.finish()
        }
        Task {
            try? await Task.sleep(for: Self.endingTime)
            end.finish()
        }
        // Not a task group: it would wait for what is stuck.
        for await _ in ends {}
    }
}
#endif
