import HookWire
import Testing

@testable import Core

@Suite struct JSONDocumentTests {
    private func value(_ text: String) throws -> JSONDocument { try JSONDocument(Array(text.utf8)) }

    @Test func findsWhatIsThere() throws {
        let value = try value(#"{"a":{"b":[1,2,"x\n"],"yes":true,"no":false},"n":18,"t":"ä"}"#)
        #expect(value["a"]["b"].count == 3 && value["a"]["b"].elements.compactMap(\.number) == [1, 2])
        #expect(value["a"]["b"].elements.last?.text == "x\n" && value["t"].text == "ä")
        #expect(value["a"]["yes"].isTrue == true && value["a"]["no"].isTrue == false)
        #expect(value["n"].number == 18 && value.members.map(\.name) == ["a", "n", "t"])
    }

    @Test func whatIsNotThereIsNothing() throws {
        let value = try value(#"{"a":-1,"b":null,"c":"1"}"#)
        for absent in [value["a"], value["b"], value["z"], value["z"]["y"], value["c"]["x"]] { #expect(absent.number == nil && absent.members.isEmpty) }
        #expect(value["a"] == .nothing && value["c"].number == nil && value["c"].count == nil && value["c"].isTrue == nil)
    }

    @Test(arguments: ["", "{", "{}x", "[1,]", "1.5", "99999999999999999999", #"{"a":1,"a":2}"#, "tru"])
    func refusesWhatIsNoDocument(_ text: String) { #expect(throws: JSONError.self) { try value(text) } }

    /// What the daemon writes, this reads.
    @Test func readsWhatTheWriterWrites() throws {
        var histogram = LatencyHistogram(), writer = JSONWriter()
        histogram.add(nanoseconds: 7)
        writer.object { writer in
            writer.member("t", "\"\\\u{1}")
            writer.key("h")
            histogram.write(&writer)
        }
        let value = try JSONDocument(writer.bytes)
        #expect(value["t"].text == "\"\\\u{1}" && value["h"]["counts"].elements.compactMap(\.number) == histogram.counts && value["h"]["nanoseconds"].number == 7)
    }
}
