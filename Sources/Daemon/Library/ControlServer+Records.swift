import Core

/// Streams of records: what the kernel said, unchanged, for readers that word it themselves.
extension ControlServer {
    /// Bytes queued for one reader of records. Beyond it records are dropped, counted, and the reader is told how many.
    static let recordQueueLimit = 4 << 20

    func begin(_ client: ControlClient, records kind: RecordStream.Kind) {
        client.activity = .records(RecordStream(kind))
        append(FeedRecord.encode(answers.sender()), to: client)
    }

    /// Says to all readers of records what has changed of the daemon.
    func publishSender() {
        for client in eventRecordReaders + alertRecordReaders {
            append(FeedRecord.encode(answers.sender()), to: client)
        }
    }

    /// An event as the kernel wrote it.
    ///
    /// - Parameter container: Nil for the host's, and for one that nobody knows any more.
    func publish(event: UnsafeRawBufferPointer, _ container: Container?) {
        for client in eventRecordReaders { Self.eventHead.withUnsafeBytes { publish($0, event, container, to: client) } }
    }

    private static let eventHead = [FeedRecord.Kind.event.rawValue]

    func publish(alert: UnsafeRawBufferPointer, _ container: Container?, _ rule: () -> FeedRule) {
        guard !alertRecordReaders.isEmpty else { return }
        let head = FeedRecord.encode(rule())
        for client in alertRecordReaders { head.withUnsafeBytes { publish($0, alert, container, to: client) } }
    }

    private func publish(_ head: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ container: Container?, to client: ControlClient) {
        guard case .records(let stream) = client.activity else { return }
        let size = head.count + bytes.count
        // Room for who it is and for the word about losses is kept beside the limit. Nothing goes past a gap.
        guard client.dropped == 0, client.queue.count + size + ControlProtocol.frameOverhead <= Self.recordQueueLimit else {
            client.dropped += 1
            droppedRecords += 1
            return
        }
        if let container, stream.mustTell(container.reference) {
            append(FeedRecord.encode(container.reference, FeedWorkload(container)), to: client)
        }
        client.queue.append(ControlProtocol.recordHeader(size), head, bytes)
    }

    /// The names of a container have changed: the next record tells them anew.
    func forget(_ reference: SlotReference) {
        for client in eventRecordReaders + alertRecordReaders {
            if case .records(let stream) = client.activity { stream.forget(reference) }
        }
    }

    func append(_ record: [UInt8], to client: ControlClient) {
        record.withUnsafeBytes { client.queue.append(ControlProtocol.recordHeader(record.count), UnsafeRawBufferPointer(rebasing: $0[..<0]), $0) }
    }
}

/// What a reader of records is sent, and what it knows already.
final class RecordStream {
    enum Kind { case events, alerts }

    let kind: Kind
    /// By slot, the generation whose container it was told of. At most as many as there are slots.
    private var told: [UInt32: UInt32] = [:]
    /// Whose the last record was: most come in a row.
    private var last: SlotReference?

    init(_ kind: Kind) { self.kind = kind }

    /// Whether it has to be told whose the slot is, before a record that is about it; it is taken to be told then.
    func mustTell(_ reference: SlotReference) -> Bool {
        guard reference != last else { return false }
        last = reference
        guard told[reference.slot] != reference.generation else { return false }
        told[reference.slot] = reference.generation
        return true
    }

    func forget(_ reference: SlotReference) {
        told[reference.slot] = nil
        last = nil
    }
}
