import Core
import Glibc

/// A client of the control socket.
final class ControlClient {
    /// What it is being sent.
    enum Activity {
        case request
        /// Items that are made as there is room for them, until there are no more.
        case listing(() -> [UInt8]?)
        /// Events of containers whose id starts so.
        case events(prefix: [UInt8])
        /// Alerts, the same way.
        case alerts(prefix: [UInt8])
        /// Records of events or of alerts.
        case records(RecordStream)
        /// Waits for the daemon's end.
        case stopping
        /// Nothing more once the queue is empty.
        case ending
    }

    let socket: Int32
    var activity = Activity.request
    var received: [UInt8] = []
    var queue = ByteQueue()
    /// Came by the socket of those who may only read.
    let isReader: Bool
    /// When it was last heard of, in the server's own count.
    var lastHeard: UInt64 = 0
    /// Events that the queue had no room for since the client was last told.
    var dropped = 0
    var watchesOutput = false

    init(socket: Int32, isReader: Bool) { (self.socket, self.isReader) = (socket, isReader) }

    /// Bytes that may wait for it.
    var queueLimit: Int { if case .records = activity { ControlServer.recordQueueLimit } else { ControlServer.queueLimit } }

    var isAsking: Bool { if case .request = activity { true } else { false } }
}

/// What the daemon has to say to each request.
struct ControlAnswers {
    let status: () -> [UInt8]
    let containers: () -> () -> [UInt8]?
    /// All policies, or one by its identity with its rules; nil if there is none of that name.
    let policies: (String) -> (() -> [UInt8]?)?
    /// The second: policies of this host are meant, whatever they lock out.
    let apply: (PolicySubmission, Bool) -> [UInt8]
    let delete: (String) throws(PortcullisError) -> [UInt8]
    let pause: (String) throws(PortcullisError) -> [UInt8]
    let stop: () -> Void
    let unlock: (String) throws(PortcullisError) -> [UInt8]
    /// What readers of records are told of the daemon.
    let sender: () -> FeedSender
    /// Whether policies may be changed over the events socket.
    let readersChangePolicies: () -> Bool
}
