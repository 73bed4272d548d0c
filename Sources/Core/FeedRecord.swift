/// What the daemon sends to whoever asked for events or alerts as records: what the kernel said, unchanged, and before the first that needs it who a container is.
///
/// A record is the text of one frame of the control protocol (`ControlProtocol.Kind.record`): its kind, one byte, and then, in the byte order of the machine,
/// which both sides run on: numbers as they are, texts behind their length as 32 bits.
public enum FeedRecord {
    public enum Kind: UInt8, Sendable {
        /// `FeedSender`: the first record, and again when something of it has changed.
        case sender = 1
        /// Slot, generation and `FeedWorkload`: whose the slot is in all records from here on.
        case workload = 2
        /// `pc_event` and its texts.
        case event = 3
        /// `FeedRule`, then `pc_alert` and its texts.
        case alert = 4
        /// How many records this reader was too slow for since the last one that it got, as 64 bits.
        case lost = 5
    }

    case sender(FeedSender)
    case workload(SlotReference, FeedWorkload)
    case event(UnsafeRawBufferPointer)
    case alert(FeedRule, UnsafeRawBufferPointer)
    case lost(UInt64)

    /// Nil if the bytes are no record of this version. What the kernel said is handed on in place.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = FeedReader(bytes)
        guard let first = reader.byte(), let kind = Kind(rawValue: first) else { return nil }
        switch kind {
        case .sender:
            var sender = FeedSender()
            guard let abi = reader.number(UInt32.self), let version = reader.text(), let host = reader.text(), let enforces = reader.byte(),
                let missing = reader.texts()
            else { return nil }
            (sender.abi, sender.version, sender.hostName, sender.enforces, sender.missingPrograms) = (abi, version, host, enforces != 0, missing)
            self = .sender(sender)
        case .workload:
            var workload = FeedWorkload()
            guard let slot = reader.number(UInt32.self), let generation = reader.number(UInt32.self), let texts = reader.texts(), texts.count == 6 else { return nil }
            workload.containerID = texts[0]
            workload.containerName = texts[1]
            workload.namespace = texts[2]
            workload.pod = texts[3]
            workload.image = texts[4]
            workload.labels = texts[5]
            self = .workload(SlotReference(slot: slot, generation: generation), workload)
        case .event: self = .event(reader.rest)
        case .alert:
            var rule = FeedRule()
            guard let policy = reader.text(), let message = reader.text(), let severity = reader.byte(), let observed = reader.byte(), let enforcer = reader.text(),
                let tags = reader.texts()
            else { return nil }
            (rule.policy, rule.message, rule.severity, rule.tags) = (policy, message, Int(severity), tags)
            (rule.isObserved, rule.presetEnforcer) = (observed != 0, enforcer)
            self = .alert(rule, reader.rest)
        case .lost:
            guard let count = reader.number(UInt64.self) else { return nil }
            self = .lost(count)
        }
    }

    public static func encode(_ sender: FeedSender) -> [UInt8] {
        var writer = FeedWriter(.sender)
        writer.number(sender.abi)
        writer.text(sender.version)
        writer.text(sender.hostName)
        writer.byte(sender.enforces ? 1 : 0)
        writer.texts(sender.missingPrograms)
        return writer.bytes
    }

    public static func encode(_ reference: SlotReference, _ workload: FeedWorkload) -> [UInt8] {
        var writer = FeedWriter(.workload)
        writer.number(reference.slot)
        writer.number(reference.generation)
        writer.texts([workload.containerID, workload.containerName, workload.namespace, workload.pod, workload.image, workload.labels])
        return writer.bytes
    }

    /// What comes before the kernel's own bytes.
    public static func encode(_ rule: FeedRule) -> [UInt8] {
        var writer = FeedWriter(.alert)
        writer.text(rule.policy)
        writer.text(rule.message)
        writer.byte(UInt8(clamping: rule.severity))
        writer.byte(rule.isObserved ? 1 : 0)
        writer.text(rule.presetEnforcer)
        writer.texts(rule.tags)
        return writer.bytes
    }

    public static func encode(lost count: UInt64) -> [UInt8] {
        var writer = FeedWriter(.lost)
        writer.number(count)
        return writer.bytes
    }
}

private struct FeedWriter {
    var bytes: [UInt8]

    init(_ kind: FeedRecord.Kind) { bytes = [kind.rawValue] }

    mutating func byte(_ value: UInt8) { bytes.append(value) }
    mutating func number(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }

    mutating func text(_ value: String) {
        number(UInt32(clamping: value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func texts(_ values: [String]) {
        number(UInt32(clamping: values.count))
        for value in values { text(value) }
    }
}

private struct FeedReader {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }

    mutating func byte() -> UInt8? { take(1)?[0] }
    mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? { take(MemoryLayout<Number>.size)?.loadUnaligned(as: Number.self) }

    mutating func text() -> String? {
        guard let count = number(UInt32.self), let bytes = take(Int(count)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// No more of them are believed than there is room for.
    mutating func texts() -> [String]? {
        guard let count = number(UInt32.self), Int(count) * 4 <= rest.count else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let text = text() else { return nil }
            texts.append(text)
        }
        return texts
    }
}
