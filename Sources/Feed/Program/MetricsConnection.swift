#if Feed
import Core
import NIOCore
import NIOHTTP1

/// One connection of the HTTP listener: requests one after the other, each within its time.
final class MetricsConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// For a request from its first byte to its last, and for its answer to be taken.
    private static let requestTime = TimeAmount.seconds(10)
    /// For the daemon to tell its status.
    private static let statusTime = TimeAmount.seconds(5)
    /// From an answer to the next request: longer than between two scrapes.
    private static let idleTime = TimeAmount.seconds(150)

    private let server: MetricsServer
    private let channel: any Channel
    /// What counts this connection's bytes, and owns this.
    weak var limit: RequestLimit?
    private var head: HTTPRequestHead?
    private var deadline: Scheduled<Void>?
    /// What the daemon is being asked, and until when.
    private var pending: (ticket: StatusQuestion.Ticket, limit: Scheduled<Void>)?

    init(_ server: MetricsServer, _ channel: any Channel) { (self.server, self.channel) = (server, channel) }

    func channelActive(context: ChannelHandlerContext) {
        server.opened(channel)
        close(in: Self.requestTime)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        settle()
        server.closed(channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The first byte of a request has come.
    func begins() { close(in: Self.requestTime) }

    func isTooLong() { server.closesTooLong() }

    private func close(in time: TimeAmount) {
        deadline?.cancel()
        let server = server, channel = channel, isIdle = time == Self.idleTime
        deadline = channel.eventLoop.scheduleTask(in: time) {
            if !isIdle { server.closesSlow() }
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // Nothing here takes one; the limit of a request's bytes counts it.
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            limit?.restart()
            answer(head)
        }
    }

    private func answer(_ head: HTTPRequestHead) {
        close(in: Self.requestTime)
        let path = String(head.uri.prefix { $0 != "?" })
        guard ["/metrics", "/healthz", "/readyz"].contains(path) else { return send(head, "other", .notFound, "there is /metrics, /healthz and /readyz\n") }
        guard head.method == .GET || head.method == .HEAD else { return send(head, path, .methodNotAllowed, "only GET and HEAD\n") }
        let complaint = server.hub.condition.complaint
        switch path {
        case "/metrics":
            ask { connection, answer in connection.send(head, path, .ok, connection.server.metrics(answer), type: PrometheusText.contentType) }
        case "/readyz" where complaint.isEmpty:
            ask { connection, answer in connection.send(head, path, health: connection.server.unreadiness(answer)) }
        default: send(head, path, health: complaint)
        }
    }

    // MARK: The daemon

    /// Calls back on this connection's event loop, once, unless the connection closes first.
    private func ask(_ body: @escaping (MetricsConnection, StatusQuestion.Answer) -> Void) {
        let loop = channel.eventLoop, bound = NIOLoopBound((self, body), eventLoop: loop)
        let take: @Sendable (StatusQuestion.Answer) -> Void = { answer in
            let (connection, body) = bound.value
            guard connection.pending != nil else { return }
            connection.settle()
            body(connection, answer)
        }
        let ticket = server.question.ask { answer in loop.execute { take(answer) } }
        let limit = loop.scheduleTask(in: Self.statusTime) { take(.problem("the daemon has not told its status in time")) }
        pending = (ticket, limit)
    }

    private func settle() {
        guard let pending else { return }
        self.pending = nil
        pending.limit.cancel()
        server.question.cancel(pending.ticket)
    }

    // MARK: Answers

    private func send(_ head: HTTPRequestHead, _ path: String, health complaint: String) {
        send(head, path, complaint.isEmpty ? .ok : .serviceUnavailable, complaint.isEmpty ? "ok\n" : complaint + "\n")
    }

    private func send(_ head: HTTPRequestHead, _ path: String, _ status: HTTPResponseStatus, _ text: String) {
        send(head, path, status, Array(text.utf8), type: "text/plain; charset=utf-8")
    }

    private func send(_ head: HTTPRequestHead, _ path: String, _ status: HTTPResponseStatus, _ body: [UInt8], type: String) {
        server.answered(channel, path, status.code)
        var headers = HTTPHeaders([("Content-Type", type), ("Content-Length", "\(body.count)"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")])
        if status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let pipeline = channel.pipeline.syncOperations, stays = head.isKeepAlive
        pipeline.write(wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD { pipeline.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil) }
        pipeline.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { [self] _ in
            guard stays else { return channel.close(promise: nil) }
            close(in: Self.idleTime)
        }
    }
}

/// Counts the bytes of each request, whatever they are, and ends what is too long before anything reads it.
final class RequestLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Bytes of a request; Prometheus sends some 300.
    private static let bytes = 8 << 10
    private static let refusal = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    private let connection: MetricsConnection
    private var count = 0
    private var isOver = false

    init(_ connection: MetricsConnection) {
        self.connection = connection
        connection.limit = self
    }

    /// A request has ended.
    func restart() { count = 0 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        if count == 0 { connection.begins() }
        count += unwrapInboundIn(data).readableBytes
        guard count <= Self.bytes else {
            isOver = true
            connection.isTooLong()
            let channel = context.channel
            return context.writeAndFlush(NIOAny(ByteBuffer(string: Self.refusal))).whenComplete { _ in channel.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }
}
#endif
