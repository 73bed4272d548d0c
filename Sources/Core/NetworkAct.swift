/// What a message of the operation Network is about.
struct NetworkAct: Equatable {
    enum Kind { case outgoing, incoming, bind, socket }

    let kind: Kind
    let protocolName: String
    /// The peer's, or of a bind the own one; a name where one was asked for.
    let address: String
    let port: String

    init(_ message: KubeArmorMessage) {
        let calls = ["Lsm", "Syscall", "Kprobe", "Kretprobe", "Kfunc", "Tracepoint"].compactMap { message.datum($0)?.lowercased() }
        // SYS_ACCEPT4, SOCKET_BIND, tcp_connect, udp_sendmsg.
        let words = calls.flatMap { $0.split(separator: "_") }
        func isAbout(_ act: String) -> Bool { words.contains { $0.hasPrefix(act) } }
        if isAbout("accept") {
            kind = .incoming
        } else if isAbout("bind") {
            kind = .bind
        } else if isAbout("connect") || isAbout("send") || isAbout("write") || isAbout("pwritev") || message.datum("Qtype") != nil {
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
