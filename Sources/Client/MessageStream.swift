import Core
import Glibc

/// Alerts and logs as they come, worded, of one or both of the daemon's streams.
public struct MessageStream {
    public enum Item: Sendable {
        case message(KubeArmorMessage)
        /// The daemon had to leave some out.
        case lost(KubeArmorMessage.Kind, UInt64)
        case malformed
        /// Programs of the kernel side are detached: nothing is known of what they would have seen.
        case detached([String])
    }

    private struct Source {
        let kind: KubeArmorMessage.Kind
        var connection: ControlConnection
        var wording: RecordWording
    }

    private var sources: [Source] = []
    private var detached: [String] = []

    /// Connects; what happens from here on is not missed, however late it is read, within the daemon's queue of 4 MiB.
    public init(_ socket: String, alerts: Bool, logs: Bool) throws(PortcullisError) {
        let translator = LocalNode.translator()
        for (kind, command, isWanted) in [(KubeArmorMessage.Kind.alert, ControlProtocol.Command.alertRecords, alerts), (.log, .eventRecords, logs)] where isWanted {
            sources.append(Source(kind: kind, connection: try ControlConnection(socket, command), wording: RecordWording(translator)))
        }
    }

    /// Waits for something, at most so long or for ever, and returns all that is there; nothing if the time is over, or one of `other` has something to read.
    ///
    /// - Throws: What ends the stream; the daemon's end among it.
    public mutating func next(milliseconds: Int32 = -1, or other: [Int32] = []) throws(PortcullisError) -> [Item] {
        var polled = (sources.map(\.connection.descriptor) + other).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), milliseconds) >= 0 else {
            guard errno == EINTR else { throw PortcullisError(.system, "waiting for the daemon", errno: errno) }
            return []
        }
        var items: [Item] = []
        let wallOffset = LocalNode.wallOffset
        for index in sources.indices where polled[index].revents != 0 {
            try sources[index].connection.fill()
            sources[index].wording.translator.wallClockOffset = wallOffset
            try read(index, &items)
        }
        return items
    }

    /// All records that have come whole.
    private mutating func read(_ index: Int, _ items: inout [Item]) throws(PortcullisError) {
        let kind = sources[index].kind
        var wording = sources[index].wording
        defer { sources[index].wording = wording }
        var worded: RecordWording.Item?
        var messages: [KubeArmorMessage] = []
        while try sources[index].connection.nextRecord(waits: false, { worded = wording.take($0, &messages) }) {
            switch worded {
            case .message: items.append(.message(messages.removeLast()))
            case .lost(let count): items.append(.lost(kind, count))
            case .malformed: items.append(.malformed)
            case .sender(let sender): try take(sender, &items)
            case nil: break
            }
        }
    }

    private mutating func take(_ sender: FeedSender, _ items: inout [Item]) throws(PortcullisError) {
        guard sender.abi == abiVersion else {
            throw PortcullisError(.peer, "the daemon has ABI version \(sender.abi), and this program \(abiVersion)")
        }
        if sender.missingPrograms != detached, !sender.missingPrograms.isEmpty { items.append(.detached(sender.missingPrograms)) }
        detached = sender.missingPrograms
    }
}
