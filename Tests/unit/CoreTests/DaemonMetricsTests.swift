import Testing

@testable import Core

@Suite struct DaemonMetricsTests {
    private static let status = #"""
        {"version":"0.1.0","abi":1,"enforcing":true,
         "enforcement":{"reduced":false,"missing":["file_truncate"],"sets":3,"selfProtection":{"on":true,"unlocked":false},"pauses":[]},
         "kernel":{"release":"6.1.0","missingPins":["pc_file_open"]},
         "maps":{"containers":2,"identities":-1},
         "replay":{"state":"done","milliseconds":120,"bySource":{"runc":4}},
         "counters":{"refusedGone":7,"added":9},
         "process":{"cpuNanoseconds":1500000000,"residentBytes":4096},
         "latency":{"boundsNanoseconds":[50000,1000000000],"hooks":{"letThrough":{"counts":[1,2,0],"nanoseconds":5}},"answers":{}},
         "verdicts":{"open":{"allow":5,"audit":0,"block":2}},
         "buffers":{"events":{"bytes":1048576,"sent":3,"read":2,"lost":1}},
         "configuration":{"problem":""}}
        """#

    private func lines(_ status: String) throws -> [Substring] {
        var text = PrometheusText()
        DaemonMetrics.write(try JSONDocument(Array(status.utf8)), to: &text)
        return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n")
    }

    @Test(arguments: [
        #"portcullis_build_info{version="0.1.0",abi="1",kernel="6.1.0"} 1"#, #"portcullis_enforcer_info{enforcer="BPFLSM",reduced="false"} 1"#, "portcullis_enforcing 1",
        "portcullis_detached_programs 1", "portcullis_missing_hooks 1", "portcullis_pauses 0", "portcullis_policy_sets 3", "portcullis_containers 2",
        #"portcullis_replay_state{state="done"} 1"#, #"portcullis_replay_state{state="failed"} 0"#, "portcullis_replay_duration_seconds 0.12",
        #"portcullis_replay_found_total{source="runc"} 4"#, #"portcullis_registrations_total{result="refused_gone"} 7"#, "portcullis_daemon_cpu_seconds_total 1.5",
        #"portcullis_hook_duration_seconds_bucket{outcome="let_through",le="1"} 3"#, #"portcullis_verdicts_total{operation="open",action="block"} 2"#,
        #"portcullis_buffer_records_lost_total{buffer="events"} 1"#, "portcullis_configuration_valid 1", "# TYPE portcullis_hook_duration_seconds histogram",
    ])
    func writes(_ line: String) throws { #expect(try lines(Self.status).contains { $0 == line }) }

    /// A number that is not known is no zero.
    @Test func leavesOutWhatTheStatusDoesNotHave() throws {
        let lines = try lines(Self.status)
        #expect(!lines.contains { $0.hasPrefix("portcullis_identities") || $0.hasPrefix("# HELP portcullis_identities") || $0.hasPrefix("portcullis_policies") })
        #expect(try !self.lines("{}").contains { !$0.hasPrefix("#") && !$0.hasPrefix("portcullis_build_info") && !$0.hasPrefix("portcullis_enforcer_info") })
    }

    /// Prometheus' rules for names: base units, `_total` for counters and only for them.
    @Test func namesFollowTheRules() {
        let names = DaemonMetrics.measures.map(\.name)
        #expect(Set(names).count == names.count)
        for measure in DaemonMetrics.measures {
            #expect(measure.name.hasPrefix("portcullis_") && measure.name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(measure.name)")
            #expect(measure.name.hasSuffix("_total") == (measure.kind == .counter), "\(measure.name)")
            #expect(measure.help.hasSuffix(".") && !measure.help.contains("\n"), "\(measure.name)")
            #expect(Set(measure.samples.map(\.label)).count == measure.samples.count, "\(measure.name)")
        }
    }

    @Test func wordsOfTheStatusBecomeLabels() { #expect(DaemonMetrics.snakeCase("letThroughByNamespace") == "let_through_by_namespace") }

    @Test(arguments: [("2997 1181 1050 1 0 228 0\n", 1181 as UInt64?), ("12 34", 34), ("12", nil), ("", nil), ("12 x", nil)])
    func residentPages(_ text: String, _ pages: UInt64?) { #expect(MemoryText.residentPages(Array(text.utf8)[...]) == pages) }
}
