/// A name in the feed's field Data, and the same as a key of EventData, where it begins with a capital. No name is one that a container could choose.
struct DataKey {
    let name: String
    let title: String

    private init(_ name: String) {
        self.name = name
        title = name.prefix(1).uppercased() + name.dropFirst()
    }

    static let lsm = DataKey("lsm"), syscall = DataKey("syscall"), probe = DataKey("probe"), tracepoint = DataKey("tracepoint")
    static let code = DataKey("code"), signal = DataKey("signal"), capability = DataKey("capability")
    static let descriptor = DataKey("fd"), flags = DataKey("flags"), mode = DataKey("mode"), request = DataKey("request"), pid = DataKey("pid")
    static let user = DataKey("userid"), group = DataKey("group"), groupID = DataKey("groupid"), effective = DataKey("effective"), saved = DataKey("saved")
    static let namespace = DataKey("nstype"), source = DataKey("source"), target = DataKey("target"), newPath = DataKey("newpath"), via = DataKey("via")
    static let domain = DataKey("domain"), type = DataKey("type"), protocolName = DataKey("protocol"), path = DataKey("path")
    static let localAddress = DataKey("localip"), remoteAddress = DataKey("remoteip"), port = DataKey("port")
    static let lost = DataKey("lost"), held = DataKey("held"), cut = DataKey("cut")
}

/// What a message says in its Data: one text of `key=value` parts for people, and the parts themselves for programs. The latter are not taken out of the text,
/// where a file's name could hold what looks like another part.
struct MessageData {
    private(set) var text = ""
    private(set) var parts: [KubeArmorMessage.EventDatum] = []

    init() {}

    init(_ key: DataKey, _ value: String) {
        // Of most: a call, a descriptor, flags.
        text.reserveCapacity(64)
        parts.reserveCapacity(4)
        add(key, value)
    }

    /// - Parameter value: Left out if it is empty.
    mutating func add(_ key: DataKey, _ value: String) {
        guard !value.isEmpty else { return }
        if !text.isEmpty { text += " " }
        text += key.name
        text += "="
        text += value
        parts.append(.init(key: key.title, value: value))
    }

    mutating func add(_ key: DataKey, _ value: some BinaryInteger) { add(key, String(value)) }

    /// A word that is no part.
    mutating func add(word: String) { text += text.isEmpty ? word : " " + word }

    mutating func add(_ other: MessageData) {
        guard !other.text.isEmpty else { return }
        add(word: other.text)
        parts += other.parts
    }
}

extension KubeArmorMessage {
    mutating func take(_ data: MessageData) { (self.data, eventData) = (data.text, data.parts) }
}
