import Core
import HookWire
import Testing

/// What the feed keeps is read back as it was.
@Suite struct MessageReadingTests {
    @Test(arguments: [
        MessageSamples.log("Process", "/bin/sh -c true", data: "syscall=SYS_EXECVE"),
        MessageSamples.log("File", "/etc/\u{1}\"é\\", result: "No such file or directory"),
        MessageSamples.alert("File", "/etc/shadow"), MessageSamples.alert("Network", "", action: "Audit", result: "Passed"),
    ])
    func whatIsWrittenIsReadBack(_ message: KubeArmorMessage) throws {
        let read = try KubeArmorMessage(json: message.json())
        #expect(read.json() == message.json())
        // A map has no order.
        var (one, other) = (read, message)
        one.eventData.sort { $0.key < $1.key }
        other.eventData.sort { $0.key < $1.key }
        #expect(one == other)
    }

    /// Ids without a sign come as 32 bits with one.
    @Test func numbersMayBeNegative() throws {
        let read = try KubeArmorMessage(json: Array(#"{"PPID":0,"UID":-1,"HostPID":4294967295,"Type":"HostLog"}"#.utf8))
        #expect(read.uid == -1 && read.hostPID == -1 && read.isOfHost && read.kind == .log)
    }

    @Test func whatIsNotKnownIsPassedOver() throws {
        let read = try KubeArmorMessage(
            json: Array(#" {"ExecEvent":{"ExecID":"1","x":[1,{"y":null}]},"NewKey":-1.5e3,"ContainerID":"c","ATags":null,"EventData":null,"Owner":null,"Tags":"a,b"} "#.utf8))
        #expect(read.workload.containerID == "c" && read.tags == ["a", "b"] && read.kind == .alert)
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"PID":"1"}"#, #"{"PID":1.5}"#, #"{"PID":- 1}"#, #"{"PID":-}"#, #"{"Type":1}"#, #"{"EventData":[]}"#, #"{"ATags":{}}"#, #"{"ATags":[1]}"#, "{} {}",
        #"{"Type":"a","Type":"b"}"#, #"{"UID":99999999999}"#, "{\"Type\":\"\u{1}\"}",
    ])
    func whatIsNoMessageIsRefused(_ text: String) { #expect(throws: JSONError.self) { try KubeArmorMessage(json: Array(text.utf8)) } }
}
