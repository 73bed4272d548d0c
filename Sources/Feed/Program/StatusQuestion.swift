#if Feed
import Client
import Core
import NIOPosix
import Synchronization

/// Asks the daemon for its status, when somebody wants it and never else. One question at a time: who wants to know meanwhile gets the same answer.
final class StatusQuestion: Sendable {
    enum Answer: Sendable {
        case status(JSONDocument, nanoseconds: UInt64)
        case problem(String)
    }

    typealias Waiter = @Sendable (Answer) -> Void

    /// What a waiter is cancelled by.
    typealias Ticket = UInt64

    private struct State {
        var waiters: [Ticket: Waiter] = [:]
        var last: Ticket = 0
        var isAsking = false
    }

    private let socket: String
    private let state = Mutex(State())
    /// The conversation waits in recv(2), which must hold up no event loop. A daemon that hangs holds this one thread, and whoever waits gives up by himself.
    private let thread = NIOThreadPool(numberOfThreads: 1)

    init(_ socket: String) {
        self.socket = socket
        thread.start()
    }

    /// The waiter is called on another thread, once, unless it is cancelled before.
    func ask(_ waiter: @escaping Waiter) -> Ticket {
        let (ticket, starts) = state.withLock { state in
            defer { state.isAsking = true }
            state.last += 1
            state.waiters[state.last] = waiter
            return (state.last, !state.isAsking)
        }
        if starts { thread.submit { _ in self.converse() } }
        return ticket
    }

    func cancel(_ ticket: Ticket) { state.withLock { $0.waiters[ticket] = nil } }

    private func converse() {
        let answer = answer()
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isAsking = false
            return state.waiters
        }
        for waiter in waiters.values { waiter(answer) }
    }

    private func answer() -> Answer {
        let began = Node.monotonic
        do {
            var conversation = try ControlConnection(socket, .status)
            defer { conversation.close() }
            guard let item = try conversation.next() else { return .problem("the daemon has no status") }
            return .status(try JSONDocument(item), nanoseconds: Node.monotonic - began)
        } catch let error as PortcullisError { return .problem(error.description) } catch { return .problem("the daemon's status: \(error)") }
    }
}
#endif
