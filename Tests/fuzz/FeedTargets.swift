import Core
import HookWire

/// What a feed has kept, read back.
extension FuzzTarget {
    static var feedTargets: [FuzzTarget] { [feedLine] }

    static let feedLine = FuzzTarget(
        name: "feed-line", format: .text,
        seeds: texts(
            #"{"Timestamp":1,"UpdatedTime":"2026-01-02T03:04:05.678901Z","Owner":{"Ref":"Pod"},"ContainerID":"c1","HostPID":7,"PPID":0,"PID":1,"UID":-1,"ProcessName":"/bin/sh","#
                + #""PolicyName":"p","Severity":"7","Tags":"a,b","ATags":["a","b"],"Type":"MatchedPolicy","Operation":"Network","Resource":"x","EventData":{"Lsm":"SOCKET_BIND","Port":"53"},"#
                + #""Action":"Block","Result":"Permission denied","EventID":"4f1c22ab-0000000000000001-0"}"#,
            #"{"PPID":0,"UID":0,"Type":"HostLog","Operation":"Process"}"#, #"{"Operation":"Lost","EventData":{"Lost":"12"}}"#),
        words: jsonWords + texts(#""Operation":"File""#, #""EventData":{"Syscall":"SYS_CONNECT","Remoteip":"::1"}"#, #""UpdatedTime":"2026-02-30T00:00:00Z""#), limit: 8192,
        reader: {
            { input throws(BrokenPromise) in
                guard let message = try? KubeArmorMessage(json: input) else { return false }
                // What it is once written again, it stays.
                let line = message.json()
                guard let again = try? KubeArmorMessage(json: line) else { throw BrokenPromise(description: "\(message) cannot be read again") }
                try promise(again.json() == line, "\(message) is written in two ways")
                // Whatever it says, it can be shown and counted.
                var summary = WorkloadSummary(rowLimit: 1), selection = HistorySelection(from: HistoryStart(message.eventID, now: 0) ?? HistoryStart(message.updatedTime, now: 0))
                _ = selection.takes(message)
                summary.take(message)
                for workload in summary.workloads { _ = summary.json(workload) }
                return !MessageText.compact(message).isEmpty && !MessageText.row(MessageText.cells(message)).isEmpty
            }
        })
}
