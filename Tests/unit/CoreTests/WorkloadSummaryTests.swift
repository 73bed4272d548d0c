import HookWire
import Testing

@testable import Core

@Suite struct WorkloadSummaryTests {
    private func summary(_ messages: [KubeArmorMessage], limit: Int = 100) -> WorkloadSummary {
        var summary = WorkloadSummary(rowLimit: limit)
        for message in messages { summary.take(message) }
        return summary
    }

    private func rows(_ section: WorkloadSummary.Section, _ messages: KubeArmorMessage...) throws -> [String] {
        let summary = summary(messages)
        let workload = try #require(summary.workloads.first)
        return summary.rows(of: workload, section).map {
            "\($0.source) \($0.target)" + ($0.port.isEmpty ? "" : ":\($0.port)") + ($0.protocolName.isEmpty ? "" : " \($0.protocolName)") + " \($0.count) \($0.lastSeen.dropFirst(17).prefix(2)) \($0.status.rawValue)"
        }
    }

    @Test func processesWithTheirParents() throws {
        let start = MessageSamples.log("Process", "/bin/ls -l", process: "/bin/ls", parent: "/bin/sh", data: "syscall=SYS_EXECVE")
        var later = start
        later.updatedTime = "2026-01-02T03:04:09.000000Z"
        let end = MessageSamples.log("Process", "", process: "/bin/ls", data: "tracepoint=sched_process_exit code=0 signal=0")
        #expect(try rows(.processes, later, start, end) == ["/bin/sh /bin/ls 2 09 Allow"])
    }

    @Test func filesByOutcome() throws {
        #expect(
            try rows(.files, MessageSamples.log("File", "/a"), MessageSamples.log("File", "/a", result: "Permission denied", at: 6), MessageSamples.log("File", "/a", result: "No such file or directory", at: 7))
                == ["/bin/sh /a 1 05 Allow", "/bin/sh /a 1 06 Deny", "/bin/sh /a 1 07 Fail"])
    }

    /// An act that both streams tell of is one.
    @Test func nothingCountsTwice() throws {
        let denied = MessageSamples.alert("File", "/a"), refused = MessageSamples.log("File", "/a", process: "/bin/cat", result: "Permission denied")
        #expect(try rows(.files, denied, refused, denied) == ["/bin/cat /a 2 05 Deny"])
        let audited = MessageSamples.alert("File", "/b", action: "Audit", result: "Passed"), passed = MessageSamples.log("File", "/b", process: "/bin/cat")
        #expect(try rows(.files, audited, passed, passed) == ["/bin/cat /b 1 05 Allow", "/bin/cat /b 1 05 Audit"])
        // And where one of the streams is missing, the other does.
        #expect(try rows(.files, audited) == ["/bin/cat /b 1 05 Audit"] && rows(.files, passed) == ["/bin/cat /b 1 05 Allow"])
    }

    @Test(arguments: [
        ("syscall=SYS_CONNECT protocol=TCP remoteip=10.0.0.1 port=443", "", WorkloadSummary.Section.outgoing, "/bin/sh 10.0.0.1:443 TCP 1 05 Allow"),
        ("lsm=SOCKET_CONNECT protocol=TCP type=SOCK_STREAM domain=AF_INET remoteip=10.0.0.1 port=443", "protocol=TCP", .outgoing, "/bin/sh 10.0.0.1:443 TCP 1 05 Allow"),
        ("kprobe=tcp_accept protocol=TCP remoteip=::1 port=80", "", .incoming, "/bin/sh ::1:80 TCP 1 05 Allow"),
        ("syscall=SYS_ACCEPT4 protocol=TCP remoteip=::1 port=80", "", .incoming, "/bin/sh ::1:80 TCP 1 05 Allow"),
        ("syscall=SYS_BIND protocol=UDP address=0.0.0.0 port=53", "", .binds, "/bin/sh 0.0.0.0:53 UDP 1 05 Allow"),
        ("lsm=SOCKET_SENDMSG domain=example.com", "example.com", .outgoing, "/bin/sh example.com 1 05 Allow"),
        ("lsm=SOCKET_CREATE protocol=ICMP type=SOCK_RAW domain=AF_INET", "protocol=ICMP type=SOCK_RAW", .sockets, "/bin/sh  ICMP 1 05 Allow"),
        ("syscall=SYS_BIND fd=3 localip=127.0.0.1 port=80 protocol=TCP", "localip=127.0.0.1 port=80 protocol=TCP", .binds, "/bin/sh 127.0.0.1:80 TCP 1 05 Allow"),
        ("syscall=SYS_LISTEN fd=3 localip=127.0.0.1 port=80 protocol=TCP", "localip=127.0.0.1 port=80 protocol=TCP", .sockets, "/bin/sh  TCP 1 05 Allow"),
        ("syscall=SYS_CONNECT fd=3 domain=AF_UNIX type=SOCK_STREAM protocol=0 path=/run/x", "domain=AF_UNIX type=SOCK_STREAM protocol=0 path=/run/x", .outgoing, "/bin/sh /run/x UNIX 1 05 Allow"),
        ("", "", .sockets, "/bin/sh  1 05 Allow"),
    ])
    func connections(_ data: String, _ resource: String, _ section: WorkloadSummary.Section, _ row: String) throws {
        #expect(try rows(section, MessageSamples.log("Network", resource, data: data)) == [row])
    }

    @Test func containersOfAPodAreOneByName() {
        var restarted = MessageSamples.log("File", "/a"), bare = restarted, host = restarted
        restarted.workload.containerID = "77"
        bare.workload = MessageSamples.workload("c1", name: "", pod: "", namespace: "default")
        host.workload = FeedWorkload()
        let summary = summary([MessageSamples.log("File", "/a"), restarted, bare, host])
        #expect(summary.workloads.map { "\($0.namespace)/\($0.pod)/\($0.container)" } == ["//", "default//c1", "shop/web-0/web"])
        #expect(summary.containerID(of: summary.workloads[2]) == "77" && summary.rows(of: summary.workloads[2], .files).first?.count == 2)
        #expect(summary.image(of: summary.workloads[2]) == "nginx:1" && summary.labels(of: summary.workloads[2]) == "app=web")
    }

    @Test func whatGoesBeyondTheBoundIsCounted() {
        let translator = FeedTranslator(clusterName: "", hostName: "", nodeID: "", bootID: "")
        let summary = summary([
            MessageSamples.log("File", "/a"), MessageSamples.log("File", "/b"), MessageSamples.log("File", "/c"), MessageSamples.log("File", "/a"),
            translator.lossNotice(.log, 7, nanoseconds: 0, why: "x"),
        ], limit: 2)
        #expect(summary.beyondLimit == 1 && summary.counted == 3 && summary.lost == 7)
    }

    /// A word about a silence is no act, and one about repeats is as many as it says.
    @Test func whatWasHeldBackIsCounted() throws {
        let translator = FeedTranslator(clusterName: "", hostName: "", nodeID: "", bootID: ""), throttle = AlertThrottle(limit: 2, seconds: 3)
        let alert = MessageSamples.alert("File", "/a")
        let silence = AlertThrottle.Silence(workload: alert.workload, enforcer: "", held: 40)
        var repeated = alert
        repeated.eventData.append(.init(key: "Repeats", value: "9"))
        let summary = summary([alert, translator.thresholdNotice(for: alert, throttle, at: 1), translator.heldNotice(of: silence, throttle, at: 2), repeated])
        #expect(summary.held == 40 && summary.counted == 10)
        let workload = try #require(summary.workloads.first)
        let rows = WorkloadSummary.Section.allCases.map { summary.rows(of: workload, $0) }.joined()
        #expect(rows.map(\.count) == [10])
    }

    @Test func anObjectForEachWorkload() throws {
        let summary = summary([MessageSamples.log("Network", "", data: "syscall=SYS_BIND protocol=UDP address=0.0.0.0 port=53"), MessageSamples.alert("Syscall", "/x", action: "Audit", result: "Passed")])
        let json = String(decoding: summary.json(try #require(summary.workloads.first)), as: UTF8.self)
        #expect(
            json == #"{"Namespace":"shop","PodName":"web-0","ContainerName":"web","ContainerID":"3f2a91b7c0de","ContainerImage":"nginx:1","Label":"app=web","ProcessData":[],"FileData":[],"#
                + #""EgressConnection":[],"IngressConnection":[],"BindConnection":[{"Protocol":"UDP","Command":"/bin/sh","BindAddress":"0.0.0.0","BindPort":"53","Count":1,"#
                + #""UpdatedTime":"2026-01-02T03:04:05.678901Z","Status":"Allow"}],"SocketData":[],"OtherData":[{"Source":"/bin/cat","Destination":"Syscall /x","Count":1,"#
                + #""UpdatedTime":"2026-01-02T03:04:05.678901Z","Status":"Audit"}]}"#)
        #expect(String(decoding: summary.closingJSON(unreadable: 3), as: UTF8.self) == #"{"Counted":2,"Lost":0,"Held":0,"BeyondLimit":0,"Unreadable":3}"#)
    }
}
