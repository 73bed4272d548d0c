import HookWire
import Testing

/// Reads a whole document of any shape; what `skipValue` accepts is what the reader accepts.
func check(_ text: [UInt8], step: Int = Int.max, limit: Int = JSONLimits.documentBytes) -> JSONError? {
    var reader = JSONReader(ArraySource(text, step: step), limit: limit)
    do throws(JSONError) {
        try reader.skipValue()
        try reader.finish()
        return nil
    } catch { return error }
}

@Suite struct JSONReaderTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "1e5", "-12.5E-3", "true", "false", "null", #""""#, #""a\"\\\/\b\f\n\r\t""#, #""\u0041\ud83d\ude00""#,
        "[1,2,[3,{\"a\":[]}]]", " {\"a\" : 1 ,\n\"b\":{\"a\":2}}\t", "\"é€😀\"", "{\"\":1,\" \":2}",
    ])
    func accepts(_ text: String) {
        for step in [1, 2, 3, 7, Int.max] { #expect(check(Array(text.utf8), step: step) == nil, "step \(step)") }
    }

    @Test(arguments: [
        ("", JSONError.Kind.truncated), ("{", .truncated), ("{\"a\"", .truncated), ("{\"a\":", .truncated), ("[1", .truncated),
        ("\"abc", .truncated), ("\"\\u12", .truncated), ("-", .truncated), ("1.", .truncated), ("tru", .truncated),
        ("{a:1}", .syntax), ("{\"a\" 1}", .syntax), ("{\"a\":1,}", .syntax), ("[1,]", .syntax), ("[1 2]", .syntax), ("01", .syntax),
        ("+1", .syntax), (".5", .syntax), ("1 2", .syntax), ("nul!", .syntax), ("\"\u{1}\"", .syntax), ("\"\\x\"", .syntax),
        ("\"\\u12g4\"", .syntax), ("{} x", .syntax), ("\u{b}1", .syntax), ("[,1]", .syntax), ("{,}", .syntax), ("'a'", .syntax),
        ("\"\\ud800\"", .encoding), ("\"\\udc00\"", .encoding), ("\"\\ud800\\u0041\"", .encoding), ("\"\\ud800x\"", .encoding),
        ("{\"a\":1,\"a\":2}", .duplicateKey), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey), ("[{\"x\":{\"b\":1,\"b\":1}}]", .duplicateKey),
    ])
    func refuses(_ text: String, _ kind: JSONError.Kind) {
        for step in [1, 3, Int.max] { #expect(check(Array(text.utf8), step: step)?.kind == kind, "step \(step)") }
    }

    @Test(arguments: [
        [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3, 0x28], [0xE2, 0x82],
    ] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        #expect(check([0x22] + bytes + [0x22])?.kind == .encoding)
        #expect(!UTF8Check.isValid(bytes[...]))
    }

    @Test func findsADuplicateAmongThousands() {
        for position in [0, 17, 2_999] {
            let members = (0..<3_000).map { "\"key\($0)\":0" } + ["\"key\(position)\":1"]
            #expect(check(Array("{\(members.joined(separator: ","))}".utf8))?.kind == .duplicateKey)
        }
        let distinct = (0..<3_000).map { "\"key\($0)\":{\"key\($0)\":1}" }
        #expect(check(Array("{\(distinct.joined(separator: ","))}".utf8)) == nil)
    }

    @Test func refusesAnObjectOfTooManyMembers() {
        func members(_ count: Int) -> [UInt8] { Array("{\((0..<count).map { "\"\($0)\":0" }.joined(separator: ","))}".utf8) }
        #expect(check(members(JSONLimits.members)) == nil)
        #expect(check(members(JSONLimits.members + 1))?.kind == .tooLarge)
    }

    @Test(arguments: ["[", "{\"a\":"])
    func refusesDeepNesting(_ open: String) {
        let close = open == "[" ? "]" : "}"
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
        }
        #expect(check(nested(JSONLimits.depth)) == nil)
        #expect(check(nested(JSONLimits.depth + 1))?.kind == .depth)
        #expect(check(Array(String(repeating: open, count: 1_000_000).utf8))?.kind == .depth)
    }

    @Test func refusesMoreThanTheLimit() {
        let text = Array("[\(String(repeating: "1,", count: 40_000))1]".utf8)
        #expect(check(text, limit: text.count) == nil)
        #expect(check(text, limit: text.count - 1)?.kind == .tooLarge)
    }

    @Test func decodesEscapes() throws {
        var reader = JSONReader(ArraySource(Array(#""a\n\u00e9\u20AC\ud83d\ude00\/\"""#.utf8), step: 1))
        let text = try reader.readString(limit: 100)
        #expect(String(decoding: text, as: UTF8.self) == "a\né€😀/\"")
    }

    @Test func boundsAString() {
        var reader = JSONReader(ArraySource(Array("\"0123456789\"".utf8)))
        #expect(throws: JSONError(.stringTooLong, at: 1)) { _ = try reader.readString(limit: 9) }
    }

    @Test(arguments: [("0", 0), ("7", 7), ("2147483647", 2_147_483_647), ("12 ", 12)])
    func readsNumbers(_ text: String, _ value: Int) throws {
        var reader = JSONReader(ArraySource(Array(text.utf8), step: 1))
        #expect(try reader.readNumber() == value)
    }

    @Test(arguments: [
        ("2147483648", JSONError.Kind.number), ("99999999999999999999999", .number), ("-1", .number), ("1.0", .number), ("1e2", .number),
        ("00", .syntax), ("\"1\"", .type), ("null", .type),
    ])
    func refusesNumbers(_ text: String, _ kind: JSONError.Kind) {
        var reader = JSONReader(ArraySource(Array(text.utf8)))
        #expect { _ = try reader.readNumber() } throws: { ($0 as? JSONError)?.kind == kind }
    }

    /// Every truncation and every single-byte change of a document either reads or is refused; none traps or hangs.
    @Test func survivesMutation() {
        let text = Array(#"{"id":"a\u00e9","n":[1,-2.5e3,true,null],"o":{"k":"v","é":""}}"#.utf8)
        for end in 0..<text.count { #expect(check(Array(text[..<end])) != nil) }
        var refused = 0
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                if check(changed, step: 5) != nil { refused += 1 }
            }
        }
        #expect(refused > 5_000)
    }
}
