import CABI
import Testing

@testable import Core

/// Events and alerts say the same of a process, in the same words.
@Suite struct ReportedTaskTests {
    private let process = #""process":{"pid":1,"hostPid":2,"parentPid":3,"parentHostPid":4,"uid":5,"comm":"sh","parentComm":"0123456789abcdef","startTime":6,"#
    private let container = #""container":{"id":"","namespace":"shop","pod":"p","name":"c","image":"i","slot":7,"generation":8}"#

    private func workload() -> WorkloadIdentity {
        var workload = WorkloadIdentity()
        workload.namespace = "shop"
        workload.pod = "p"
        workload.containerName = "c"
        workload.image = "i"
        return workload
    }

    private func name<Name>(_ text: String, _ name: inout Name) { withUnsafeMutableBytes(of: &name) { $0.copyBytes(from: text.utf8) } }

    @Test func anEventNamesProcessAndContainer() throws {
        var header = pc_event()
        (header.type, header.source, header.slot, header.generation) = (2, 1, 7, 8)
        (header.namespace_pid, header.pid, header.parent_namespace_pid, header.parent_pid) = (1, 2, 3, 4)
        (header.uid, header.gid, header.start_time) = (5, 9, 6)
        name("sh", &header.comm)
        name("0123456789abcdef", &header.parent_comm)
        let event = try #require(withUnsafeBytes(of: header) { Event($0) })
        let text = String(decoding: event.json(nil, workload(), wallClockOffset: 0), as: UTF8.self)
        #expect(text.contains(process + #""gid":9,"#), "\(text)")
        #expect(text.contains(container.dropLast().replacing(#"{"id""#, with: #"{"source":"label","id""#)), "\(text)")
    }

    @Test func anAlertNamesProcessAndContainer() throws {
        var header = pc_alert()
        (header.operation, header.slot, header.generation) = (1, 7, 8)
        (header.namespace_pid, header.pid, header.parent_namespace_pid, header.parent_pid) = (1, 2, 3, 4)
        (header.uid, header.owner, header.start_time) = (5, 9, 6)
        name("sh", &header.comm)
        name("0123456789abcdef", &header.parent_comm)
        let alert = try #require(withUnsafeBytes(of: header) { Alert($0) })
        let text = String(decoding: alert.json(nil, nil, workload(), wallClockOffset: 0), as: UTF8.self)
        #expect(text.contains(process + #""fileOwner":9,"arguments":["#) && text.contains(container), "\(text)")
    }
}
