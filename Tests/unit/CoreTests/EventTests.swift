import CABI
import Testing

@testable import Core

/// Events of files, sockets and calls, from the bytes of the kernel to what is written.
@Suite struct EventTests {
    /// The texts in the kernel's order.
    struct Texts {
        var executable = "/usr/bin/prog", parent = "/bin/sh", arguments = "prog\0-v\0", directory = "/work", path = "", other = ""
    }

    private func event(_ type: pc_event_type, _ operation: pc_operation, _ texts: Texts, _ edit: (inout pc_event) -> Void = { _ in }) throws -> Event {
        var header = pc_event()
        header.type = UInt16(type.rawValue)
        header.source = UInt16(PC_SOURCE_LABEL.rawValue)
        header.operation = UInt16(operation.rawValue)
        header.owner = PC_OWNER_UNKNOWN.magnitude
        let all = [texts.executable, texts.parent, texts.arguments, texts.directory, texts.path, texts.other].map { Array($0.utf8) }
        (header.executable_length, header.parent_length, header.arguments_length) = (UInt16(all[0].count), UInt16(all[1].count), UInt16(all[2].count))
        (header.directory_length, header.path_length, header.other_path_length) = (UInt16(all[3].count), UInt16(all[4].count), UInt16(all[5].count))
        edit(&header)
        let bytes = withUnsafeBytes(of: header) { Array($0) } + all.joined()
        for end in 0..<bytes.count { #expect(bytes[..<end].withUnsafeBytes { Event($0) } == nil, "cut at \(end)") }
        return try #require(bytes.withUnsafeBytes { Event($0) })
    }

    private func json(_ event: Event) -> String { String(decoding: event.json(nil, WorkloadIdentity(), wallClockOffset: 0), as: UTF8.self) }

    @Test func anOpenedFile() throws {
        let event = try event(PC_EVENT_FILE, PC_OPERATION_OPEN, Texts(path: "/etc/passwd")) {
            ($0.result, $0.syscall, $0.owner) = (3, UInt32(257), 0)
            $0.registers.1 = 0x1000
            withUnsafeMutableBytes(of: &$0.tty) { $0.copyBytes(from: "pts0".utf8) }
        }
        #expect(event.systemCall == "openat" && event.outcome == "Passed" && event.visibilityClass == .file)
        let text = json(event)
        #expect(text.hasPrefix(#"{"type":"file","time":"1970-01-01T00:00:00.000000Z","operation":"open","result":"Passed","returned":3,"syscall":"openat","path":"/etc/passwd","rawPath":false,"fileOwner":0,"registers":[0,4096,0,0,0,0],"container":{"#), "\(text)")
        #expect(text.contains(#""parentExecutable":"/bin/sh","directory":"/work","terminal":"pts0","executable":"/usr/bin/prog","arguments":["prog","-v"]"#), "\(text)")
    }

    @Test(arguments: [
        ("secret", "/work", "/work/secret"), ("/etc/secret", "/work", "/etc/secret"), ("x", "/", "/x"), ("", "/work", "/work"), ("x", "", "x"),
        ("../x", "/work", "/work/../x"),
    ])
    func aPathThatTheCallerGave(_ path: String, _ directory: String, _ whole: String) throws {
        let event = try event(PC_EVENT_FILE, PC_OPERATION_UNLINK, Texts(directory: directory, path: path)) {
            ($0.result, $0.syscall, $0.flags) = (-13, UInt32(87), UInt16(PC_EVENT_RAW_PATH.rawValue))
        }
        #expect(String(decoding: event.fullPath, as: UTF8.self) == whole)
        #expect(event.outcome == "Permission denied" && json(event).contains(#""rawPath":true"#))
        // What was resolved is never joined.
        let resolved = try self.event(PC_EVENT_FILE, PC_OPERATION_OPEN, Texts(directory: directory, path: path))
        #expect(resolved.fullPath.elementsEqual(path.utf8))
    }

    @Test func bothPathsOfARename() throws {
        let raw = UInt16(PC_EVENT_RAW_PATH.rawValue | PC_EVENT_RAW_OTHER_PATH.rawValue)
        let rename = try event(PC_EVENT_FILE, PC_OPERATION_RENAME, Texts(path: "a", other: "b")) { ($0.flags, $0.syscall) = (raw, 82) }
        #expect(json(rename).contains(#""path":"/work/a","rawPath":true,"otherPath":"/work/b""#))
        // A symbolic link's target is relative to the link.
        let link = try event(PC_EVENT_FILE, PC_OPERATION_SYMLINK, Texts(path: "a", other: "b")) { ($0.flags, $0.syscall) = (raw, 88) }
        #expect(json(link).contains(#""path":"/work/a","rawPath":true,"otherPath":"b""#))
    }

    @Test func aConnection() throws {
        let event = try event(PC_EVENT_NETWORK, PC_OPERATION_CONNECT, Texts()) {
            ($0.result, $0.syscall, $0.socket_family, $0.socket_type, $0.socket_protocol, $0.port) = (-115, 42, 2, 1, 6, 443)
            withUnsafeMutableBytes(of: &$0.address) { $0.copyBytes(from: [192, 0, 2, 7]) }
        }
        let text = json(event)
        #expect(text.contains(#""operation":"connect","result":"Operation now in progress","returned":-115,"syscall":"connect","family":"AF_INET","socketType":"SOCK_STREAM","protocol":"TCP","address":"192.0.2.7","port":443"#), "\(text)")
    }

    @Test func aCapability() throws {
        let event = try event(PC_EVENT_CAPABILITY, PC_OPERATION_CAPABILITY, Texts()) { $0.capability = 13 }
        #expect(json(event).contains(#""type":"capability","time":"1970-01-01T00:00:00.000000Z","operation":"capability","result":"Passed","capability":"CAP_NET_RAW","container""#))
    }

    @Test func anExecThatFailed() throws {
        let event = try event(PC_EVENT_EXEC_FAILED, PC_OPERATION_EXEC, Texts(path: "tool")) {
            ($0.result, $0.syscall, $0.flags) = (-2, 59, UInt16(PC_EVENT_RAW_PATH.rawValue))
        }
        #expect(json(event).contains(#""type":"exec-failed","#) && json(event).contains(#""result":"No such file or directory""#) && json(event).contains(#""path":"/work/tool""#))
    }

    @Test func anExecKeepsItsWords() throws {
        let event = try event(PC_EVENT_EXEC, PC_OPERATION_EXEC, Texts(path: "./prog")) { $0.flags = UInt16(PC_EVENT_RAW_PATH.rawValue) }
        let text = json(event)
        #expect(text.contains(#""executable":"./prog","program":"/usr/bin/prog","arguments":["prog","-v"],"executableCut":false"#) && !text.contains("registers"), "\(text)")
    }

    @Test func callsAreReadAsTheyAreDocumented() {
        let table = SystemCall.reported(), other = Int(PC_SYSCALLS_MAX)
        #expect(table.count == 2 * other)
        // x86-64: openat is 257, renameat2 316, connect 42, execve 59; i386: open is 5, socketcall 102.
        #expect(table[257].path == 2 && table[257].directory == 1 && UInt32(table[257].shape) == PC_CALL_OPENS.rawValue)
        #expect(table[316].other_path == 4 && table[316].other_directory == 3)
        #expect(UInt32(table[42].visibility) == PC_SEE_NETWORK.rawValue && UInt32(table[59].type) == PC_EVENT_EXEC_FAILED.rawValue)
        #expect(UInt32(table[other + 5].operation) == PC_OPERATION_OPEN.rawValue && UInt32(table[other + 102].shape) == PC_CALL_SOCKETCALL.rawValue)
        // write is 1, sendto 44, sendmmsg 307; i386: sendmsg 370.
        for (number, shape) in [(1, PC_CALL_WRITE), (44, PC_CALL_SEND), (307, PC_CALL_SENDMMSG), (other + 370, PC_CALL_SENDMSG)] {
            #expect(UInt32(table[number].visibility) == PC_SEE_DNS.rawValue && UInt32(table[number].shape) == shape.rawValue, "\(number)")
        }
        // What a machine does most is not among them, but for write.
        for quiet in [0, 3, 9, 12, 202] { #expect(table[quiet].visibility == 0) }
    }

    @Test func whatIsSeenOfWhom() {
        var configuration = Configuration()
        #expect(configuration.apply(.visibility, "process,dns") && configuration.apply(.hostEvents, "true"))
        configuration.namespaces["shop"] = NamespaceSettings(visibility: Visibility([]))
        let failures = UInt64(PC_SEE_FAILURES.rawValue), process = UInt64(PC_SEE_PROCESS.rawValue)
        #expect(configuration.visibilityFlags(in: "") == process | UInt64(PC_SEE_DNS.rawValue) | failures)
        #expect(configuration.visibilityFlags(in: "shop") == failures && configuration.hostVisibilityFlags == process)
        #expect(configuration.apply(.hostVisibility, "file") && configuration.hostVisibilityFlags == process | UInt64(PC_SEE_FILE.rawValue) | failures)
        #expect(configuration.apply(.failures, "off") && configuration.visibilityFlags(in: "shop") == 0 && !configuration.apply(.failures, "true"))
        #expect(configuration.text(.failures) == "off" && configuration.text(.hostVisibility) == "file")
    }
}
