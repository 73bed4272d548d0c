/// What a message of the operation Network is about.
struct NetworkAct: Equatable {
    enum Kind { case outgoing, incoming, bind, socket }

    let kind: Kind
    let protocolName: String
    /// The peer's, or of a bind the own one; a name where one was asked for.
    let address: String
    let port: String

    init(_ message: KubeArmorMessage) {
        let act = ["Lsm", "Syscall", "Kprobe", "Kretprobe", "Kfunc", "Tracepoint"].compactMap { message.datum($0)?.lowercased() }.joined(separator: " ")
        if act.contains("accept") {
            kind = .incoming
        } else if act.contains("bind") {
            kind = .bind
        } else if ["connect", "send"].contains(where: act.contains) || message.datum("Qtype") != nil {
            kind = .outgoing
        } else {
            kind = .socket
        }
        let name = [message.datum("Protocol"), message.datum("Type")].compactMap { $0 }.first { !$0.isEmpty } ?? ""
        protocolName = name
        let asked = message.datum("Domain").flatMap { $0.hasPrefix("AF_") ? nil : $0 }
        let isWhole = message.resource.contains("=") || kind == .socket
        address = ["Remoteip", "Address", "Daddr", "Saddr", "Localip", "Path", "Sun_path"].compactMap(message.datum).first ?? asked ?? (isWhole ? "" : message.resource)
        port = message.datum("Port") ?? message.datum("Dport") ?? ""
    }
}
