import CABI

extension Alert {
    /// What an alert about a socket, a name or a capability is about, in KubeArmor's words; nil for one about a path.
    public var resource: String? {
        switch section {
        case .process, .file, .presets, .syscalls: nil
        // Of a verdict that found no room to work in there is nothing more to tell.
        case .capabilities: path.first.map { Capability.alertName(Self.value($0)) } ?? ""
        case .network: path.count == 4 ? socket : ""
        case .dns: "domain=" + String(decoding: path.dropFirst(), as: UTF8.self) + place
        }
    }

    /// What a system call came to, in KubeArmor's words: an error's is that of its number.
    var outcome: String {
        let result = header.result
        return result < 0 && result > -4096 ? SystemErrorText.text(-result) : "Passed"
    }

    /// The verdict in KubeArmor's words.
    var refusal: String { section == .capabilities ? "Operation not permitted" : "Permission denied" }

    private var socket: String {
        let family = Int(Self.value(path[0])), type = Int(Self.value(path[1])), number = Int(Self.value(path[2])) | Int(Self.value(path[3])) << 6
        var text = "domain=\(AddressFamily.name(family)) type=\(SocketType.name(type)) protocol=\(SocketAddress.protocolName(family, type, number))"
        text += place
        return text
    }

    /// A socket's alert as the feed words it: KubeArmor's two words first, which its clients look for; empty for others.
    var socketData: MessageData {
        var data = MessageData()
        guard section == .network, path.count == 4 else { return data }
        let family = Int(Self.value(path[0])), type = Int(Self.value(path[1])), number = Int(Self.value(path[2])) | Int(Self.value(path[3])) << 6
        data.add(.protocolName, SocketAddress.protocolName(family, type, number))
        data.add(.type, SocketType.name(type))
        data.add(.domain, AddressFamily.name(family))
        if let address {
            data.add(.remoteAddress, address)
            data.add(.port, header.port)
        }
        return data
    }

    private var place: String { address.map { " address=\($0) port=\(header.port)" } ?? "" }

    private static func value(_ key: UInt8) -> UInt8 { key & 63 }

    private var address: String? { SocketAddress.text(header.address, family: Int(header.address_family)) }
}

/// How sockets and their addresses are written.
enum SocketAddress {
    /// As ip(7) and RFC 5952 write it, without the shortening of zeros; nil for other families.
    static func text(_ address: some Any, family: Int) -> String? {
        let bytes = withUnsafeBytes(of: address) { Array($0) }
        switch family {
        case AddressFamily.inet: return bytes.prefix(4).map { String($0) }.joined(separator: ".")
        case AddressFamily.inet6:
            return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
        default: return nil
        }
    }

    /// Only the internet's families number their protocols as the IANA does. There 0 is the one that the family has for the type (ip(7)).
    static func protocolName(_ family: Int, _ type: Int, _ number: Int) -> String {
        guard family == AddressFamily.inet || family == AddressFamily.inet6 else { return "\(number)" }
        guard number == 0 else { return InternetProtocol.name(number) }
        switch SocketType(rawValue: type) {
        case .stream: return "TCP"
        case .dgram: return "UDP"
        case .seqpacket: return "SCTP"
        default: return "0"
        }
    }
}
