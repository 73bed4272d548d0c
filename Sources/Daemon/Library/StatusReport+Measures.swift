import CABI
import Core
import HookWire
import Kernel

/// What metrics are made of and nobody reads as it is.
extension StatusReport {
    func measures(_ writer: inout JSONWriter) {
        writer.key("process")
        writer.object(process)
        writer.key("latency")
        writer.object(latency)
        writer.key("verdicts")
        writer.object(verdicts)
        writer.key("buffers")
        writer.object(buffers)
        writer.key("readers")
        writer.object { writer in
            writer.member("clients", daemon.control.clients.count)
            writer.member("eventRecords", daemon.control.eventRecordReaders.count)
            writer.member("alertRecords", daemon.control.alertRecordReaders.count)
        }
    }

    private func process(_ writer: inout JSONWriter) {
        writer.member("startedAt", (daemon.started &+ Clocks.wallOffset) / 1_000_000_000)
        writer.member("cpuNanoseconds", daemon.usage.cpu)
        if let bytes = daemon.usage.residentBytes { writer.member("residentBytes", bytes) }
    }

    /// Every outcome, also those that have not been seen: a series that begins with its first count hides that count.
    private func latency(_ writer: inout JSONWriter) {
        writer.key("boundsNanoseconds")
        writer.array { writer in for bound in LatencyHistogram.bounds { writer.number(bound) } }
        writer.key("hooks")
        writer.object { writer in
            for outcome in HookOutcome.allCases {
                writer.key(outcome.rawValue)
                (daemon.outcomes.durations[outcome] ?? LatencyHistogram()).write(&writer)
            }
        }
        writer.key("answers")
        writer.object { writer in
            for code in HookAnswer.Code.allCases {
                writer.key("\(code)")
                (daemon.hooks.answerTimes[code] ?? LatencyHistogram()).write(&writer)
            }
        }
    }

    private func verdicts(_ writer: inout JSONWriter) {
        for count in daemon.kernel.verdicts() {
            writer.key(count.operation)
            writer.object { writer in
                writer.member("allow", count.allowed)
                writer.member("audit", count.audited)
                writer.member("block", count.blocked)
            }
        }
    }

    private func buffers(_ writer: inout JSONWriter) {
        buffer("events", daemon.eventRing, sent: PC_COUNT_EVENTS, lost: PC_COUNT_EVENTS_LOST, &writer)
        buffer("alerts", daemon.alertRing, sent: PC_COUNT_ALERTS, lost: PC_COUNT_ALERTS_LOST, &writer)
        buffer("emptySlots", daemon.emptyRing, sent: nil, lost: PC_COUNT_EMPTY_LOST, &writer)
    }

    private func buffer(_ name: String, _ ring: RingBuffer?, sent: pc_counter?, lost: pc_counter, _ writer: inout JSONWriter) {
        guard let ring else { return }
        writer.key(name)
        writer.object { writer in
            writer.member("bytes", ring.bytes)
            if let sent { writer.member("sent", count(sent)) }
            writer.member("read", ring.consumed)
            writer.member("lost", count(lost))
        }
    }

    private func count(_ counter: pc_counter) -> UInt64 { ((try? daemon.kernel.counter(counter.rawValue)) ?? []).reduce(0, &+) }
}
