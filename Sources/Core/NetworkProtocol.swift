import CABI

/// A word of `matchProtocols`: a protocol, a type of socket, or all of them.
///
/// The kernel writes what a socket is as four bytes (family, type, protocol low and high; `PC_KEY_BYTE` in `bpf/abi.h`), and a word is a pattern of them.
public enum NetworkProtocol: String, CaseIterable, Sendable {
    case tcp, udp, icmp, icmpv6, sctp
    case raw, stream, dgram, rdm, seqpacket, dccp, packet
    case all

    /// How much it says: a protocol more than a type, a type more than `all`. The one that says more decides.
    var specificity: UInt64 {
        switch self {
        case .tcp, .udp, .icmp, .icmpv6, .sctp: 2
        case .raw, .stream, .dgram, .rdm, .seqpacket, .dccp, .packet: 1
        case .all: 0
        }
    }

    /// The sockets that it names, one pattern or another.
    var patterns: [[Glob.Element]] {
        switch self {
        // MPTCP (262) and SMC (256, and a family of its own) fall back to TCP and carry the same.
        case .tcp:
            [
                Self.socket(Self.internet, [.stream], protocols: [0, 6]), Self.socket(Self.internet, [.stream], protocols: [256, 262]),
                Self.socket([AddressFamily.smc], [.stream], protocols: [0, 1]),
            ]
        // 136 is UDP-Lite.
        case .udp: [Self.socket(Self.internet, [.dgram], protocols: [0, 17]), Self.socket(Self.internet, [.dgram], protocols: [136])]
        case .icmp: [Self.socket([AddressFamily.inet], [.raw, .dgram], protocols: [1])]
        case .icmpv6: [Self.socket([AddressFamily.inet6], [.raw, .dgram], protocols: [58])]
        case .sctp:
            [Self.socket(Self.internet, [.stream, .seqpacket], protocols: [132]), Self.socket(Self.internet, [.seqpacket], protocols: [0])]
        case .raw: [Self.type(.raw)]
        case .stream: [Self.type(.stream)]
        case .dgram: [Self.type(.dgram)]
        case .rdm: [Self.type(.rdm)]
        case .seqpacket: [Self.type(.seqpacket)]
        case .dccp: [Self.type(.dccp)]
        // Packet sockets are a family of their own since Linux 2.2; the type of that name is what they were before (packet(7)).
        case .packet: [Self.type(.packet), [.set(Self.codes([AddressFamily.packet])), .set(Self.any), .set(Self.any), .set(Self.any)]]
        case .all: [[.set(Self.any), .set(Self.any), .set(Self.any), .set(Self.any)]]
        }
    }

    /// What the kernel asks of a TCP socket of IPv4.
    static let connection = [AddressFamily.inet, SocketType.stream.rawValue, 6, 0].map(code)
    /// What nobody gets into a machine without, and what it is called.
    static let essential: [(key: [UInt8], name: String)] = [
        (connection, "TCP"), ([AddressFamily.local, SocketType.stream.rawValue, 0, 0].map(code), "UNIX stream"),
        ([AddressFamily.local, SocketType.dgram.rawValue, 0, 0].map(code), "UNIX datagram"),
        ([AddressFamily.netlink, SocketType.raw.rawValue, 0, 0].map(code), "netlink"),
        // As libaudit has it, without which sshd lets nobody in.
        ([AddressFamily.netlink, SocketType.raw.rawValue, 9, 0].map(code), "audit"),
    ]

    private static let internet = [AddressFamily.inet, AddressFamily.inet6]
    private static let any = ByteSet((0..<64).map(code))

    private static func code(_ value: Int) -> UInt8 { UInt8(PC_KEY_BYTE_BASE) | UInt8(value & 63) }

    private static func codes(_ values: [Int]) -> ByteSet { ByteSet(values.map(code)) }

    /// Protocols with the same high part.
    private static func socket(_ families: [Int], _ types: [SocketType], protocols: [Int]) -> [Glob.Element] {
        [.set(codes(families)), .set(codes(types.map(\.rawValue))), .set(codes(protocols)), .set(codes(protocols.map { $0 >> 6 }))]
    }

    private static func type(_ type: SocketType) -> [Glob.Element] {
        [.set(any), .set(codes([type.rawValue])), .set(any), .set(any)]
    }
}

/// Numbers of address families that rules or alerts speak of (include/linux/socket.h).
enum AddressFamily {
    static let local = 1
    static let inet = 2
    static let inet6 = 10
    static let netlink = 16
    static let packet = 17
    static let smc = 43

    /// As alerts write it.
    static func name(_ number: Int) -> String {
        switch number {
        case local: "AF_UNIX"
        case inet: "AF_INET"
        case inet6: "AF_INET6"
        case netlink: "AF_NETLINK"
        case packet: "AF_PACKET"
        case 31: "AF_BLUETOOTH"
        case 38: "AF_ALG"
        case 40: "AF_VSOCK"
        case smc: "AF_SMC"
        case 44: "AF_XDP"
        default: "\(number)"
        }
    }
}

/// Types of sockets (include/linux/net.h).
enum SocketType: Int {
    case stream = 1, dgram, raw, rdm, seqpacket, dccp
    case packet = 10

    /// As alerts write it.
    static func name(_ number: Int) -> String {
        switch Self(rawValue: number) {
        case .stream: "SOCK_STREAM"
        case .dgram: "SOCK_DGRAM"
        case .raw: "SOCK_RAW"
        case .rdm: "SOCK_RDM"
        case .seqpacket: "SOCK_SEQPACKET"
        case .dccp: "SOCK_DCCP"
        case .packet: "SOCK_PACKET"
        case nil: "\(number)"
        }
    }
}

/// Numbers of protocols as alerts write them (the IANA's registry of protocol numbers).
enum InternetProtocol {
    static func name(_ number: Int) -> String {
        switch number {
        case 1: "ICMP"
        case 6: "TCP"
        case 17: "UDP"
        case 33: "DCCP"
        case 58: "ICMPv6"
        case 132: "SCTP"
        case 136: "UDPLITE"
        case 256: "SMC"
        case 262: "MPTCP"
        default: "\(number)"
        }
    }
}
