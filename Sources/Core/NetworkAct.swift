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
            // One is made, or listens: it has been bound already.
            kind = .socket
        }
        let domain = message.datum("Domain") ?? "", family = domain.hasPrefix("AF_") ? String(domain.dropFirst(3)) : ""
        // Families beside the internet's number their protocols as they like, mostly with 0.
        let names = [message.datum("Protocol") ?? "", family, message.datum("Type") ?? ""]
        protocolName = names.first { !$0.isEmpty && $0 != "0" } ?? ""
        guard kind != .socket else {
            (address, port) = ("", "")
            return
        }
        let asked = family.isEmpty && !domain.isEmpty ? domain : message.resource.contains("=") ? "" : message.resource
        address = ["Remoteip", "Localip", "Address", "Daddr", "Saddr", "Path"].compactMap(message.datum).first ?? asked
        port = message.datum("Port") ?? message.datum("Dport") ?? ""
    }
}
