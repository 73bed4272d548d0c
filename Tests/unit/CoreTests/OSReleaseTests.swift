import Core
import Testing

@Suite struct OSReleaseTests {
    @Test(arguments: [
        ("NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\n", "Debian GNU/Linux 13 (trixie)"),
        ("PRETTY_NAME=Alpine\n", "Alpine"), ("PRETTY_NAME='it is \\n$x'", "it is \\n$x"), ("PRETTY_NAME=\"a \\\"b\\\" \\$c 'd'\"", "a \"b\" $c 'd'"),
        ("NAME=Arch\nPRETTY_NAME=\"\"\n", "Arch"), ("PRETTY_NAME=one\nPRETTY_NAME=two\n", "two"), ("#PRETTY_NAME=none\nXPRETTY_NAME=none\n", "Linux"), ("", "Linux"),
        ("PRETTY_NAME=\"a\u{1}b", "ab"),
    ])
    func names(_ text: String, _ name: String) { #expect(OSRelease.name(in: Array(text.utf8)) == name) }
}
