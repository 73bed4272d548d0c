#if Feed
import Core
import GRPCCore
import NIOPosix
import Synchronization

/// Conversations with the daemon on behalf of a gRPC client. They wait in recv(2), which must hold up neither an event loop nor Swift's own few threads.
enum Question {
    /// Conversations that wait or are under way; one more is refused.
    private static let limit = 32
    /// Milliseconds that the daemon may take for an answer. A change of policies has to be compiled and put in force.
    static let patience = 60_000

    private static let waiting = Atomic<Int>(0)
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    static func ask<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        defer { waiting.subtract(1, ordering: .relaxed) }
        guard waiting.add(1, ordering: .relaxed).newValue <= limit else { throw RPCError(code: .resourceExhausted, message: "\(limit) questions wait for the daemon already") }
        return try await threads.runIfActive(body)
    }
}
#endif
