import CABI
import Testing

@testable import Core

@Suite struct FeedTranslationTests {
    private let translator = FeedTranslator(clusterName: "c", hostName: "h", nodeID: "n", bootID: "0123456789abcdef")

    /// An event as the kernel writes it.
    private func event(_ kind: Event.Kind, _ change: (inout pc_event) -> Void = { _ in }, path: String = "", other: String = "", arguments: String = "") throws -> Event {
        var header = pc_event()
        (header.type, header.source, header.slot, header.generation) = (kind.rawValue, Event.Source.label.rawValue, 3, 1)
        (header.pid, header.namespace_pid, header.parent_pid, header.parent_namespace_pid, header.uid) = (100, 7, 90, 1, 33)
        header.time = 0xabc
        header.cpu = 11
        withUnsafeMutableBytes(of: &header.tty) { $0.copyBytes(from: "pts0".utf8) }
        change(&header)
        let texts = ["/bin/prog", "/bin/parent", arguments, "/work", path, other].map { Array($0.utf8) }
        (header.executable_length, header.parent_length, header.arguments_length) = (UInt16(texts[0].count), UInt16(texts[1].count), UInt16(texts[2].count))
        (header.directory_length, header.path_length, header.other_path_length) = (UInt16(texts[3].count), UInt16(texts[4].count), UInt16(texts[5].count))
        let bytes = withUnsafeBytes(of: header) { Array($0) } + texts.joined()
        return try #require(bytes.withUnsafeBytes { Event($0) })
    }

    private func call(_ name: String) throws -> UInt32 { UInt32(try #require(SystemCall(named: name)?.numbers[0])) }

    @Test func whatEveryMessageHas() throws {
        var translator = translator
        translator.wallClockOffset = 1_700_000_000_000_000_000
        var workload = FeedWorkload()
        workload.containerID = "abc"
        let message = translator.message(of: try event(.exec, arguments: "prog\0-x\0"), workload)
        #expect(message.timestamp == 1_700_000_000 && message.clusterName == "c" && message.hostName == "h" && message.nodeID == "n")
        #expect(message.eventID == "01234567-0000000000000abc-b")
        #expect((message.hostPID, message.hostParentPID, message.pid, message.parentPID, message.uid) == (100, 90, 7, 1, 33))
        #expect(message.type == "ContainerLog" && message.operation == "Process" && message.result == "Passed")
        #expect(message.processName == "/bin/prog" && message.parentProcessName == "/bin/parent" && message.source == "/bin/parent")
        #expect(message.resource == "prog -x" && message.directory == "/work" && message.terminal == "pts0")
    }

    @Test func ofTheHostIsNoContainer() throws {
        let message = translator.message(of: try event(.exec) { $0.source = Event.Source.host.rawValue }, FeedWorkload())
        #expect(message.type == "HostLog" && message.isOfHost)
    }

    @Test(arguments: [
        ("openat", [UInt64(bitPattern: -100), 0, 0o1101, 0, 0, 0], "syscall=SYS_OPENAT fd=-100 flags=O_WRONLY|O_CREAT|O_TRUNC"),
        ("open", [0, 0o2, 0, 0, 0, 0], "syscall=SYS_OPEN flags=O_RDWR"),
        ("unlinkat", [5, 0, 0x200, 0, 0, 0], "syscall=SYS_UNLINKAT fd=5 flags=AT_REMOVEDIR"),
        ("chmod", [0, 0o4755, 0, 0, 0, 0], "syscall=SYS_CHMOD mode=04755"),
        ("fchownat", [4, 0, 1000, 1001, 0, 0], "syscall=SYS_FCHOWNAT fd=4 userid=1000 group=1001"),
        ("rename", [0, 0, 0, 0, 0, 0], "syscall=SYS_RENAME"),
        ("setuid", [1000, 0, 0, 0, 0, 0], "syscall=SYS_SETUID userid=1000"),
        ("ptrace", [16, 42, 0, 0, 0, 0], "syscall=SYS_PTRACE request=PTRACE_ATTACH pid=42"),
        ("umount2", [0, 2, 0, 0, 0, 0], "syscall=SYS_UMOUNT2 flags=2"),
    ]) func whatArgumentsMean(_ name: String, _ registers: [UInt64], _ data: String) throws {
        let number = try call(name)
        let event = try event(.file) { header in
            header.syscall = number
            withUnsafeMutableBytes(of: &header.registers) { $0.copyBytes(from: registers.flatMap { withUnsafeBytes(of: $0) { Array($0) } }) }
        }
        let told = CallText.data(event)
        #expect(told.text == data)
        #expect(told.parts.map { "\($0.key.lowercased())=\($0.value)" }.joined(separator: " ") == data)
    }

    @Test func aFileIsNamedFromTheRoot() throws {
        let number = try call("unlink")
        let raw = try event(.file, { header in
            header.syscall = number
            header.flags = UInt16(PC_EVENT_RAW_PATH.rawValue)
            header.result = -13
        }, path: "x/y")
        let message = translator.message(of: raw, FeedWorkload())
        #expect(message.resource == "/work/x/y" && message.operation == "File" && message.result == "Permission denied")
        #expect(message.eventData == [.init(key: "Syscall", value: "SYS_UNLINK")])
    }

    @Test func socketsHaveTheirAddress() throws {
        let number = try call("connect")
        let connected = try event(.network) { header in
            header.syscall = number
            header.operation = UInt16(PC_OPERATION_CONNECT.rawValue)
            (header.socket_family, header.socket_type, header.port) = (2, 1, 443)
            header.address.0 = 10
            header.address.3 = 1
        }
        let message = translator.message(of: connected, FeedWorkload())
        #expect(message.resource == "remoteip=10.0.0.1 port=443 protocol=TCP")
        #expect(message.eventData.contains(.init(key: "Remoteip", value: "10.0.0.1")) && message.eventData.contains(.init(key: "Port", value: "443")))
    }

    @Test func noNameForgesAPartOfEventData() throws {
        let number = try call("connect")
        let forged = "@x remoteip=10.9.9.9 port=1"
        let local = try event(.network, { header in
            header.syscall = number
            header.operation = UInt16(PC_OPERATION_CONNECT.rawValue)
            (header.socket_family, header.socket_type) = (1, 1)
        }, path: forged)
        let message = translator.message(of: local, FeedWorkload())
        #expect(message.resource == "domain=AF_UNIX type=SOCK_STREAM protocol=0 path=\(forged)")
        #expect(message.eventData.map(\.key) == ["Syscall", "Fd", "Domain", "Type", "Protocol", "Path"] && message.eventData.last?.value == forged)
    }

    @Test(arguments: [
        (Event.Kind.file, PC_EVENT_EXECUTABLE_CUT, "ProcessName"), (.file, PC_EVENT_ARGUMENTS_CUT, "Source"), (.exec, PC_EVENT_ARGUMENTS_CUT, "Resource"),
        (.exit, PC_EVENT_PARENT_CUT, "ParentProcessName"), (.execFailed, PC_EVENT_EXECUTABLE_CUT, "ParentProcessName"), (.execFailed, PC_EVENT_PATH_CUT, "Resource"),
        (.file, PC_EVENT_OTHER_PATH_CUT, "Data"), (.network, PC_EVENT_DIRECTORY_CUT, "Cwd"),
    ]) func eachCutTextIsNamedByItsField(_ kind: Event.Kind, _ flag: pc_event_flag, _ name: String) throws {
        let message = translator.message(of: try event(kind, { $0.flags = UInt16(flag.rawValue) }, path: "/x"), FeedWorkload())
        #expect(message.eventData.contains(.init(key: "Cut", value: name)))
    }

    @Test func whatIsCutIsSaid() throws {
        let number = try call("openat")
        let cut = try event(.file, { header in
            header.syscall = number
            header.flags = UInt16(PC_EVENT_PATH_CUT.rawValue | PC_EVENT_ARGUMENTS_UNREADABLE.rawValue)
        }, path: "/x")
        let message = translator.message(of: cut, FeedWorkload())
        #expect(message.eventData.last == .init(key: "Cut", value: "Source,Resource") && message.data.hasSuffix(" cut=Source,Resource"))
        #expect(!translator.message(of: try event(.file, { $0.syscall = number }, path: "/x"), FeedWorkload()).data.contains("cut="))
    }

    @Test(arguments: [(0, 0, "01234567-0000000000000000-0"), (UInt64.max, 65_535, "01234567-ffffffffffffffff-ffff"), (0xabc, 16, "01234567-0000000000000abc-10")])
    func idsAreInTheOrderOfTheirTimes(_ time: UInt64, _ cpu: UInt16, _ id: String) throws {
        let event = try event(.exec) { ($0.time, $0.cpu) = (time, cpu) }
        #expect(translator.message(of: event, FeedWorkload()).eventID == id)
    }

    @Test func queriesHaveTheirName() throws {
        let number = try call("sendto")
        let asked = try event(.network, { header in
            header.syscall = number
            header.operation = UInt16(PC_OPERATION_DNS.rawValue)
            header.registers.0 = 3
            (header.socket_family, header.socket_type, header.port) = (2, 2, 53)
            header.address.0 = 10
        }, path: "x.example port=1")
        let message = translator.message(of: asked, FeedWorkload())
        #expect(message.resource == "x.example port=1" && message.operation == "Network")
        #expect(message.data == "syscall=SYS_SENDTO fd=3 remoteip=10.0.0.0 port=53 protocol=UDP domain=x.example port=1")
        // A name cannot pass for what the kernel says.
        #expect(message.eventData.filter { $0.key == "Port" } == [.init(key: "Port", value: "53")] && message.eventData.contains(.init(key: "Domain", value: "x.example port=1")))
        #expect(asked.visibilityClass == .dns)
    }

    @Test func linesHaveKubeArmorsKeysInItsOrder() throws {
        var message = KubeArmorMessage(.alert)
        message.timestamp = 5
        message.workload.containerID = "abc"
        message.workload.pod = "p"
        message.workload.namespace = "ns"
        (message.policyName, message.severity, message.tags, message.type) = ("pol", 3, ["a", "b"], "MatchedPolicy")
        message.eventData = [.init(key: "Lsm", value: "FILE_OPEN"), .init(key: "Zeta", value: "1"), .init(key: "Alpha", value: "2")]
        message.eventID = "id"
        let line = String(decoding: message.json(), as: UTF8.self)
        #expect(line.hasPrefix(#"{"Timestamp":5,"UpdatedTime":"","NamespaceName":"ns","Owner":{"Ref":"Pod","Name":"p","Namespace":"ns"},"PodName":"p","ContainerID":"abc","PPID":0,"UID":0,"PolicyName":"pol","Severity":"3","Tags":"a,b","ATags":["a","b"],"Type":"MatchedPolicy""#))
        #expect(line.contains(#""EventData":{"Alpha":"2","Lsm":"FILE_OPEN","Zeta":"1"}"#) && line.hasSuffix(#""EventID":"id"}"#))
        #expect(!line.contains("Cwd"))
    }

    @Test func textsOfTheEventBeforeAreNotTakenForThisOnes() {
        var recent = RecentTexts()
        let texts = ["", "/bin/a", "/bin/a", "/bin/b", "/bin/bash", "/bin/bask", "/bin/bast/more", "/bin/bask", "/b\0n/a", ""]
        for text in texts {
            for place in RecentTexts.Place.allCases {
                #expect(recent.text(place, ArraySlice("\(place)\(text)".utf8)) { String(decoding: $0, as: UTF8.self) } == "\(place)\(text)")
            }
        }
        #expect(recent.text(.arguments, ArraySlice("arguments".utf8)) { _ in "made anew" } == "arguments")
    }
}

extension FeedTranslator {
    fileprivate func message(of event: Event, _ workload: FeedWorkload) -> KubeArmorMessage {
        var recent = RecentTexts()
        return message(of: event, workload, &recent)
    }
}
