#if Feed
import NIOCore
import Synchronization

/// The listeners for gRPC, each with room of its own: whoever crowds one does not keep clients from the other.
struct ConnectionGates: Sendable {
    let socket = ConnectionGate()
    let tcp = ConnectionGate()
}

/// Counts the connections of a listener, and closes what is too many before it has said anything.
final class ConnectionGate: Sendable {
    /// Connections at one time: streams are fewer (`Seat.limit`), and some clients have one connection for each, some ask for health.
    static let limit = 128

    struct Counters: Sendable {
        var open = 0
        /// These only grow.
        var total: UInt64 = 0
        var refused: UInt64 = 0
    }

    private let state = Mutex(Counters())

    var counters: Counters { state.withLock { $0 } }

    /// Before the connection is active.
    func guards(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(GatedConnection(self), position: .first) }
    }

    /// False if there is no room.
    fileprivate func enter() -> Bool {
        state.withLock { counters in
            counters.total += 1
            guard counters.open < Self.limit else {
                counters.refused += 1
                return false
            }
            counters.open += 1
            return true
        }
    }

    fileprivate func leave() { state.withLock { $0.open -= 1 } }
}

private final class GatedConnection: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let gate: ConnectionGate
    private var isIn = false

    init(_ gate: ConnectionGate) { self.gate = gate }

    func channelActive(context: ChannelHandlerContext) {
        isIn = gate.enter()
        // The handlers behind this one are told of the end only if they were told of the beginning.
        context.fireChannelActive()
        if !isIn { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isIn { gate.leave() }
        isIn = false
        context.fireChannelInactive()
    }
}
#endif
