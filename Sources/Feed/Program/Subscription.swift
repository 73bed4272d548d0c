#if Feed
import Core
import Synchronization

/// A message as it goes over the wire. Made once, whoever gets it.
struct EncodedMessage: Sendable {
    let bytes: [UInt8]
    /// How many messages are missing where this one is: 1, but for a word about losses, repeats or what was held back.
    let weight: UInt64

    init(bytes: [UInt8], weight: UInt64 = 1) { (self.bytes, self.weight) = (bytes, weight) }
}

/// What one client is to be sent. Bounded: a client that does not keep up loses messages, is told how many, and costs the others nothing.
final class Subscription: Sendable {
    /// Messages and bytes that wait for one client at most.
    static let messageLimit = 16_384
    static let byteLimit = 4 << 20
    /// Bytes that are handed to gRPC at one time, which copies them.
    private static let batchBytes = 256 << 10

    struct Batch: Sendable {
        var messages: [EncodedMessage] = []
        /// Messages behind these that there was no room for.
        var dropped: UInt64 = 0
    }

    private struct State {
        var batch = Batch()
        var bytes = 0
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let dropped = Atomic<UInt64>(0)
    /// All that this client has lost so far.
    var totalDropped: UInt64 { dropped.load(ordering: .relaxed) }

    func push(_ messages: [EncodedMessage]) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isOver else { return nil }
            for message in messages {
                // Nothing goes past a gap: where one is lost, so are all until the client has taken what waits.
                guard state.batch.dropped == 0, state.batch.messages.count < Self.messageLimit, state.bytes + message.bytes.count <= Self.byteLimit else {
                    state.batch.dropped += message.weight
                    dropped.wrappingAdd(message.weight, ordering: .relaxed)
                    continue
                }
                state.bytes += message.bytes.count
                state.batch.messages.append(message)
            }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func close() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isOver = true
            // Nobody comes for what still waits.
            dropped.wrappingAdd(state.batch.messages.reduce(0) { $0 + $1.weight }, ordering: .relaxed)
            (state.batch.messages, state.bytes) = ([], 0)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    private static func take(_ state: inout State) -> Batch {
        var count = 0, bytes = 0
        for message in state.batch.messages {
            guard count == 0 || bytes + message.bytes.count <= batchBytes else { break }
            (count, bytes) = (count + 1, bytes + message.bytes.count)
        }
        state.bytes -= bytes
        defer { if count == state.batch.messages.count { state.batch = Batch() } else { state.batch.messages.removeFirst(count) } }
        // The gap is behind the last of them.
        return count == state.batch.messages.count ? state.batch : Batch(messages: Array(state.batch.messages.prefix(count)))
    }

    /// What waits, or the first part of it; nil when it is over.
    func next() async -> Batch? {
        while true {
            let (batch, isOver) = state.withLock { state -> (Batch?, Bool) in
                guard !state.batch.messages.isEmpty || state.batch.dropped > 0 else { return (nil, state.isOver) }
                return (Self.take(&state), false)
            }
            if let batch { return batch }
            if isOver || Task.isCancelled { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        guard state.batch.messages.isEmpty, state.batch.dropped == 0, !state.isOver else { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                close()
            }
        }
    }
}
#endif
