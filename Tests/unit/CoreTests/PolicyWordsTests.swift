import CABI
import Testing

@testable import Core

/// Rules that name sockets and capabilities: from the text to the decision that the image holds.
struct PolicyWordsTests {
    private func compiled(_ spec: String, posture: Posture = .audit) throws -> Compiled {
        let parsed = PolicySample.parse(PolicySample.text(spec: spec))
        try #require(parsed.errors.isEmpty, "\(parsed.errors)")
        return try Compiled(parsed.policies, posture: posture)
    }

    private func key(_ value: Int) -> UInt8 { UInt8(PC_KEY_BYTE_BASE) | UInt8(value & 63) }

    private func says(_ compiled: Compiled, _ section: PolicyRule.Section, _ bytes: [UInt8], by source: String = "/bin/any") -> String {
        let decision = compiled.image.decision(
            automaton: section, path: bytes, source: compiled.image.sourceClass(path: source.utf8), owner: false, write: false)
        return "\(decision.action)" + (decision.rule.map { " \($0)" } ?? "")
    }

    private func socket(_ compiled: Compiled, _ family: Int, _ type: Int, _ number: Int, by source: String = "/bin/any") -> String {
        says(compiled, .network, [key(family), key(type), key(number), key(number >> 6)], by: source)
    }

    /// Families 1 UNIX, 2 IPv4, 10 IPv6, 16 netlink, 17 packet; types 1 stream, 2 datagram, 3 raw, 5 seqpacket.
    static let sockets: [(word: String, named: [[Int]], others: [[Int]])] = [
        ("tcp", [[2, 1, 0], [2, 1, 6], [10, 1, 0], [10, 1, 6], [2, 1, 262], [10, 1, 262], [2, 1, 256], [43, 1, 0], [43, 1, 1]], [[1, 1, 0], [2, 2, 0], [2, 2, 17], [2, 3, 6], [2, 1, 132], [16, 3, 0], [40, 1, 0]]),
        ("udp", [[2, 2, 0], [2, 2, 17], [10, 2, 0], [10, 2, 17], [2, 2, 136]], [[1, 2, 0], [2, 1, 0], [2, 2, 1], [10, 2, 58], [16, 2, 0], [2, 3, 17]]),
        ("icmp", [[2, 3, 1], [2, 2, 1]], [[10, 3, 58], [10, 3, 1], [2, 3, 255], [2, 2, 17]]),
        ("icmpv6", [[10, 3, 58], [10, 2, 58]], [[2, 3, 1], [2, 3, 58], [10, 3, 255]]),
        ("sctp", [[2, 1, 132], [10, 5, 132], [2, 5, 0]], [[2, 1, 0], [1, 5, 0]]),
        ("raw", [[2, 3, 1], [2, 3, 255], [10, 3, 58], [16, 3, 0], [17, 3, 3]], [[2, 2, 1], [2, 1, 6]]),
        ("stream", [[1, 1, 0], [2, 1, 6], [40, 1, 0]], [[2, 2, 17], [2, 5, 132]]),
        ("dgram", [[1, 2, 0], [2, 2, 17]], [[2, 1, 6]]),
        ("rdm", [[30, 4, 0]], [[2, 1, 0]]),
        ("seqpacket", [[1, 5, 0], [2, 5, 132]], [[1, 1, 0]]),
        ("dccp", [[2, 6, 0], [2, 6, 33]], [[2, 1, 33]]),
        ("packet", [[17, 3, 3], [17, 2, 768], [2, 10, 768]], [[2, 3, 1], [16, 3, 0]]),
        ("all", [[1, 1, 0], [2, 1, 6], [16, 3, 0], [17, 3, 3], [44, 3, 0], [2, 3, 255]], []),
    ]

    @Test(arguments: sockets)
    func aWordNamesItsSocketsAndNoOthers(_ word: String, _ named: [[Int]], _ others: [[Int]]) throws {
        let set = try compiled("network: {matchProtocols: [{protocol: \(word)}]}\naction: Block")
        for socket in named { #expect(self.socket(set, socket[0], socket[1], socket[2]) == "block 0", "\(word) \(socket)") }
        for socket in others { #expect(self.socket(set, socket[0], socket[1], socket[2]) == "allow", "\(word) \(socket)") }
    }

    @Test func everyWordIsTried() { #expect(Set(Self.sockets.map(\.word)) == Set(NetworkProtocol.allCases.map(\.rawValue))) }

    @Test func listsCaseAndBlanksAreTaken() throws {
        let set = try compiled("network: {matchProtocols: [{protocol: icmp}, {protocol: 'TCP, Udp'}]}\naction: Block")
        #expect(socket(set, 2, 3, 1) == "block 0" && socket(set, 2, 1, 6) == "block 1" && socket(set, 2, 2, 17) == "block 2")
        #expect(set.set.policies[0].rules.map(\.field) == ["network.matchProtocols[0]", "network.matchProtocols[1]", "network.matchProtocols[1]"])
    }

    @Test func theWordThatSaysMoreDecidesAndAmongEqualsTheBlock() throws {
        let set = try compiled("""
            network:
              matchProtocols:
              - {protocol: all, action: Block}
              - {protocol: stream, action: Allow}
              - {protocol: raw, action: Allow}
              - {protocol: tcp, action: Block}
              - {protocol: raw, action: Block}
              - {protocol: tcp, action: Allow, fromSource: [{path: /usr/bin/curl}]}
            """)
        #expect(socket(set, 1, 1, 0) == "allow 1" && socket(set, 2, 1, 6) == "block 3" && socket(set, 2, 3, 255) == "block 4")
        #expect(socket(set, 2, 2, 17) == "block 0" && socket(set, 2, 1, 6, by: "/usr/bin/curl") == "allow 5")
    }

    @Test func eachClassHasItsOwnWhitelistAndPosture() throws {
        let text = PolicySample.text(spec: """
            network: {matchProtocols: [{protocol: tcp}]}
            capabilities: {matchCapabilities: [{capability: chown}]}
            action: Allow
            """)
        let policies = PolicySample.parse(text).policies
        let set = try PolicySetCompiler.compile(
            PolicySetInput(policies: policies, posture: Postures(file: .block, network: .audit, capabilities: .block)))
        let image = try #require(PolicySetImage(cells: set.cells))
        func decision(_ section: PolicyRule.Section, _ bytes: [UInt8]) -> PolicySetDecision {
            image.decision(automaton: section, path: bytes, source: 0, owner: false, write: false)
        }
        #expect("\(decision(.network, [key(2), key(2), key(0), key(0)]))" == "audit by no rule")
        #expect("\(decision(.capabilities, [key(21)]))" == "block by no rule" && decision(.capabilities, [key(0)]).rule == 1)
        #expect(decision(.file, Array("/etc/x".utf8)).action == .allow && decision(.process, Array("/bin/x".utf8)).action == .allow)
        let marks = [PC_SET_NETWORK, PC_SET_CAPABILITIES, PC_SET_CAPABILITIES_STRICT].reduce(0) { $0 | $1.rawValue }
        #expect(set.flags == marks)
        let blocking = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: .block))
        #expect(blocking.flags == marks | PC_SET_NETWORK_STRICT.rawValue && blocking.digest != set.digest)
    }

    @Test(arguments: Capability.allCases)
    func aCapabilityIsItsOwnNumberOnly(_ capability: Capability) throws {
        let name = capability.rawValue % 2 == 0 ? capability.name : "CAP_" + capability.name.uppercased()
        let set = try compiled("capabilities: {matchCapabilities: [{capability: \(name)}]}\naction: Block")
        for other in Capability.allCases {
            #expect(says(set, .capabilities, [key(Int(other.rawValue))]) == (other == capability ? "block 0" : "allow"), "\(name) \(other)")
        }
    }

    /// include/uapi/linux/capability.h
    @Test func capabilitiesHaveTheKernelsNumbers() {
        let known: [(Capability, UInt8)] = [
            (.chown, 0), (.kill, 5), (.setpcap, 8), (.net_admin, 12), (.net_raw, 13), (.sys_module, 16), (.sys_ptrace, 19), (.sys_admin, 21),
            (.sys_time, 25), (.mknod, 27), (.setfcap, 31), (.syslog, 34), (.audit_read, 37), (.perfmon, 38), (.bpf, 39), (.checkpoint_restore, 40),
        ]
        for (capability, number) in known { #expect(capability.rawValue == number) }
        #expect(Capability.allCases.count == 41)
    }

    @Test(arguments: [
        ([2, 1, 6, 0], 2, "domain=AF_INET type=SOCK_STREAM protocol=TCP address=192.0.2.7 port=443"),
        ([2, 2, 0, 0], 0, "domain=AF_INET type=SOCK_DGRAM protocol=UDP"),
        ([10, 3, 58, 0], 10, "domain=AF_INET6 type=SOCK_RAW protocol=ICMPv6 address=c000:207:0:0:0:0:0:1 port=443"),
        ([1, 1, 0, 0], 0, "domain=AF_UNIX type=SOCK_STREAM protocol=0"), ([17, 3, 0, 12], 0, "domain=AF_PACKET type=SOCK_RAW protocol=768"),
        ([16, 3, 6, 0], 0, "domain=AF_NETLINK type=SOCK_RAW protocol=6"),
        ([2, 1, 6, 4], 0, "domain=AF_INET type=SOCK_STREAM protocol=MPTCP"),
    ])
    func anAlertNamesTheSocket(_ numbers: [Int], _ family: UInt32, _ text: String) throws {
        var header = pc_alert()
        header.operation = UInt16(PC_OPERATION_CONNECT.rawValue)
        header.automaton = UInt16(PC_AUTOMATON_NETWORK.rawValue)
        header.decision = PC_ACTION_BLOCK.rawValue | UInt32(PC_RULE_NONE) << 8
        header.path_length = 4
        header.port = 443
        header.address_family = family
        header.address = (192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
        let bytes = withUnsafeBytes(of: header) { Array($0) } + numbers.map(key)
        let alert = try #require(bytes.withUnsafeBytes { Alert($0) })
        #expect(alert.resource == text && alert.section == .network)
        let json = String(decoding: alert.json(nil, nil, WorkloadIdentity(), wallClockOffset: 0), as: UTF8.self)
        #expect(json.contains(#""operation":"connect","resource":"\#(text)","#) && !json.contains(#""path""#), "\(json)")
        #expect(json.contains(#""policy":"DefaultPosture""#) && json.contains(#""result":"Permission denied""#), "\(json)")
    }

    @Test(arguments: [(UInt8(13), "CAP_NET_RAW"), (40, "CAP_CHECKPOINT_RESTORE"), (63, "CAP_63")])
    func anAlertNamesTheCapability(_ number: UInt8, _ text: String) throws {
        var header = pc_alert()
        header.operation = UInt16(PC_OPERATION_CAPABILITY.rawValue)
        header.automaton = UInt16(PC_AUTOMATON_CAPABILITY.rawValue)
        header.decision = PC_ACTION_BLOCK.rawValue | UInt32(PC_RULE_NONE) << 8
        header.path_length = 1
        let alert = try #require((withUnsafeBytes(of: header) { Array($0) } + [key(Int(number))]).withUnsafeBytes { Alert($0) })
        let json = String(decoding: alert.json(nil, nil, WorkloadIdentity(), wallClockOffset: 0), as: UTF8.self)
        #expect(json.contains(#""operation":"capability","resource":"\#(text)","#) && json.contains(#""result":"Operation not permitted""#), "\(json)")
    }
}
