#if Feed

/// A client's place among those who are sent a stream. It is given up with the last reference: a call may end before its stream has begun.
final class Seat: Sendable {
    /// Streams of all clients together. One more is refused.
    static let limit = 64

    let subscription: Subscription
    private let stream: Hub.Stream
    private let hub: Hub

    /// Nil if all places are taken.
    static func take(_ hub: Hub, _ stream: Hub.Stream) -> Seat? {
        let subscription = Subscription()
        return hub.admit(subscription, stream) ? Seat(hub, stream, subscription) : nil
    }

    private init(_ hub: Hub, _ stream: Hub.Stream, _ subscription: Subscription) { (self.hub, self.stream, self.subscription) = (hub, stream, subscription) }

    deinit { hub.leave(subscription, stream) }
}
#endif
