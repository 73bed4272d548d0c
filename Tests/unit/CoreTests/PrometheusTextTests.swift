import Testing

@testable import Core

@Suite struct PrometheusTextTests {
    private func text(_ body: (inout PrometheusText) -> Void) -> String {
        var writer = PrometheusText()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func writesFamiliesWithHelpAndType() {
        let written = text {
            $0.family("a_total", .counter, "Of a.") {
                $0.sample([("kind", "one")], value: .count(UInt64.max))
                $0.sample([("kind", "two"), ("other", "x")], value: .integer(-3))
            }
            $0.single("b", .gauge, "Of b.", .flag(true))
        }
        #expect(
            written == """
                # HELP a_total Of a.
                # TYPE a_total counter
                a_total{kind="one"} 18446744073709551615
                a_total{kind="two",other="x"} -3
                # HELP b Of b.
                # TYPE b gauge
                b 1

                """)
    }

    @Test func leavesOutWhatIsNotKnown() {
        #expect(text { $0.single("b", .gauge, "Of b.", nil) }.isEmpty)
    }

    @Test func escapesLabelsAndHelp() {
        let written = text { $0.family("a", .gauge, "one\\two\n\"three\"") { $0.sample([("l", "a\\b\"c\nd")], value: .count(0)) } }
        #expect(written == "# HELP a one\\\\two\\n\"three\"\n# TYPE a gauge\na{l=\"a\\\\b\\\"c\\nd\"} 0\n")
    }

    @Test(arguments: [
        (0 as UInt64, "0"), (1, "0.000000001"), (50_000, "0.00005"), (1_000_000_000, "1"), (1_500_000_000, "1.5"), (12_000_000_010, "12.00000001"),
    ])
    func writesSecondsToTheLastDigit(_ nanoseconds: UInt64, _ seconds: String) {
        #expect(PrometheusValue.nanoseconds(nanoseconds).text == seconds)
    }

    @Test func bucketsOfAHistogramAreCumulative() {
        let written = text {
            $0.family("h_seconds", .histogram, "H.") { $0.histogram([("a", "b")], bounds: [50_000, 1_000_000_000], counts: [2, 3, 4], nanoseconds: 5_000_000_001) }
        }
        #expect(
            written == """
                # HELP h_seconds H.
                # TYPE h_seconds histogram
                h_seconds_bucket{a="b",le="0.00005"} 2
                h_seconds_bucket{a="b",le="1"} 5
                h_seconds_bucket{a="b",le="+Inf"} 9
                h_seconds_sum{a="b"} 5.000000001
                h_seconds_count{a="b"} 9

                """)
    }

    @Test func histogramsWithOtherClassesAreLeftOut() {
        #expect(text { $0.family("h", .histogram, "H.") { $0.histogram(bounds: [1], counts: [1], nanoseconds: 0) } }.isEmpty)
    }

    // MARK: Durations by class

    @Test func aBoundBelongsToItsClass() {
        var histogram = LatencyHistogram()
        for bound in LatencyHistogram.bounds {
            histogram.add(nanoseconds: bound)
            histogram.add(nanoseconds: bound + 1)
        }
        histogram.add(nanoseconds: 0)
        // Each class has its own bound and what is just above the one before; the first has 0 instead.
        #expect(histogram.counts == [UInt64](repeating: 2, count: LatencyHistogram.bounds.count) + [1])
        #expect(histogram.count == UInt64(2 * LatencyHistogram.bounds.count + 1))
        #expect(histogram.sum == LatencyHistogram.bounds.reduce(0) { $0 + 2 * $1 + 1 })
    }

    @Test func classesRiseFrom50MicrosecondsToOneSecond() {
        #expect(LatencyHistogram.bounds == LatencyHistogram.bounds.sorted() && Set(LatencyHistogram.bounds).count == LatencyHistogram.bounds.count)
        #expect(LatencyHistogram.bounds.first == 50_000 && LatencyHistogram.bounds.last == 1_000_000_000)
    }

    @Test func writesItselfAsJSON() {
        var histogram = LatencyHistogram()
        histogram.add(nanoseconds: 60_000)
        var writer = JSONWriter()
        histogram.write(&writer)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"counts\":[0,1,0,0,0,0,0,0,0,0,0,0,0,0,0],\"nanoseconds\":60000}")
    }
}
