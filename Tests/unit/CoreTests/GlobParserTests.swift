import Core
import Testing

@Suite struct GlobParserTests {
    /// Elements as text: bytes as they are, `[…]` for sets, `<*>` and `<**>`, `<a|b>` for alternatives.
    private func shown(_ elements: [Glob.Element]) -> String {
        elements.map { element in
            switch element {
            case .byte(let byte): String(UnicodeScalar(byte))
            case .set(let set):
                "[" + (0...255).map(UInt8.init).filter(set.contains).map { (0x21...0x7E).contains($0) ? String(UnicodeScalar($0)) : "" }.joined() + "]"
            case .withinComponent: "<*>"
            case .acrossComponents: "<**>"
            case .alternatives(let list): "<" + list.map(shown).joined(separator: "|") + ">"
            }
        }.joined()
    }

    @Test(arguments: [
        ("/", "/"), ("/a", "/a"), ("/etc/*hado[w]", "/etc/<*>hado[w]"), ("/**/*.conf", "/<**>/<*>.conf"), ("/***", "/<**>"),
        ("/****/a", "/<**>/a"),
        ("/{usr/,}bin", "/<usr/|>bin"), ("/a{b{c,d},}", "/a<b<c|d>|>"), ("/[a-c-]", "/[-abc]"), ("/[-a]", "/[-a]"), ("/[\\]a]", "/[]a]"),
        ("/[\\^a]", "/[^a]"), ("/[a^]", "/[^a]"), ("/[.-9]", "/[.0123456789]"), ("/[/a]", "/[a]"), ("/\\*\\\\", "/*\\"), ("/a,b]", "/a,b]"),
        ("/a/...", "/a/..."), ("/.a/b.", "/.a/b."), ("/..a", "/..a"), ("memfd:", "memfd:"), ("memfd:a//b/../", "memfd:a//b/../"),
        ("memfd:**", "memfd:<**>"),
        ("/\\{a\\}", "/{a}"), ("/{a,b}{c,d}", "/<a|b><c|d>"), ("/{.a,.}b", "/<.a|.>b"), ("/[a-a]", "/[a]"), ("/[a\\-c]", "/[-ac]"),
    ])
    func parses(_ text: String, _ expected: String) throws {
        let glob = try Glob(parsing: text)
        #expect(shown(glob.elements) == expected)
        #expect(glob.text == text)
    }

    @Test(arguments: [
        ("", 0, "empty pattern"), ("a", 0, "begins with /"), ("*", 0, "begins with /"), ("{/a,/b}", 0, "begins with /"),
        ("memfd", 0, "begins with /"),
        ("/a[b", 2, "[ without ]"), ("/a[", 2, "[ without ]"), ("/a[^", 2, "[ without ]"), ("/a[b\\", 2, "[ without ]"),
        ("/a[b-", 2, "[ without ]"),
        ("/a[]", 2, "empty set"), ("/a[^]", 2, "empty set"), ("/[!a]", 2, "[^ or [\\!"), ("/[z-a]", 2, "ends before it begins"),
        ("/[x9-0]", 3, "ends before"),
        ("/[/]", 1, "sets never match /"), ("/[[:alpha:]]", 2, "[:alpha:]"), ("/[é]", 2, "ASCII"), ("/a}", 2, "} without {"),
        ("/a{b", 2, "{ without }"),
        ("/{a,{b,c}", 1, "{ without }"), ("/{a}", 1, "one alternative"), ("/{}", 1, "one alternative"), ("/a\\", 2, "\\ at the end"),
        ("//a", 1, "//"),
        ("/a//b", 3, "//"), ("/a/./b", 4, ". and .."), ("/a/../b", 5, ". and .."), ("/a/..", 5, ". and .."), ("/.", 2, ". and .."),
        ("/a/", 3, "no / at its end"),
        ("/{,usr}/bin", 7, "//"), ("/a/{b,}", 7, "no / at its end"), ("/a{/,b}/c", 7, "//"), ("/{.,a}/b", 6, ". and .."),
        ("/.{.,a}/b", 7, ". and .."),
        ("/\\./a", 3, ". and .."), ("/a\0", 2, "NUL"), ("/[\0]", 2, "NUL"), ("/a\\\0", 3, "NUL"), ("/{a,b//}", 6, "//"),
        ("/a/**/", 6, "no / at its end"),
    ])
    func refuses(_ text: String, _ offset: Int, _ problem: String) {
        let error = #expect(throws: GlobError.self) { _ = try Glob(parsing: text) }
        #expect(error?.offset == offset, "\(String(describing: error))")
        #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
    }

    @Test func limits() throws {
        func nested(_ depth: Int) -> String {
            "/" + String(repeating: "{a,", count: depth) + "b" + String(repeating: "}", count: depth)
        }
        _ = try Glob(parsing: nested(Glob.nestingLimit))
        #expect(throws: GlobError.self) { _ = try Glob(parsing: nested(Glob.nestingLimit + 1)) }
        #expect(throws: GlobError.self) { _ = try Glob(parsing: nested(2000)) }
        _ = try Glob(parsing: "/" + String(repeating: "a", count: Glob.lengthLimit - 1))
        let error = #expect(throws: GlobError.self) { _ = try Glob(parsing: "/" + String(repeating: "a", count: Glob.lengthLimit)) }
        #expect(error?.offset == Glob.lengthLimit)
    }

    @Test func negatedSetsAndQuestionMarksMatchNoSlashAndNoNUL() throws {
        for text in ["/?", "/[^a]"] {
            let element = try #require(try Glob(parsing: text).elements.last)
            guard case .set(let set) = element else { throw element.unexpected }
            #expect(!set.contains(UInt8(ascii: "/")) && !set.contains(0) && set.contains(0xFF) && set.contains(UInt8(ascii: "b")))
            #expect(set.contains(UInt8(ascii: "a")) == (text == "/?"))
        }
    }
}

private struct UnexpectedElement: Error { let element: String }

extension Glob.Element {
    fileprivate var unexpected: UnexpectedElement { UnexpectedElement(element: "\(self)") }
}
