import Testing

@testable import Core

/// Texts that Unicode calls equivalent, or that are one character, are what they are in bytes: two files to the kernel. Found by fuzzing.
@Suite struct EquivalentTextTests {
    private static let composed = "\u{E9}", decomposed = "e\u{301}"

    private func file(_ spec: String) -> PolicyFile { PolicySample.parse(PolicySample.text(spec: spec)) }

    private func set(_ spec: String) throws -> (set: CompiledPolicySet, image: PolicySetImage) {
        let policies = file(spec).policies
        let set = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: .audit))
        return (set, try #require(PolicySetImage(cells: set.cells)))
    }

    /// PolicySetSources: the second of two sources was dropped, and its rule never matched.
    @Test func sourcesAreToldApart() throws {
        let (_, image) = try set("file: {matchPaths: [{path: /a, fromSource: [{path: /\(Self.composed)}]}, {path: /b, fromSource: [{path: /\(Self.decomposed)}]}]}")
        #expect(image.sourceClass(path: "/\(Self.composed)".utf8) != 0)
        #expect(image.sourceClass(path: "/\(Self.decomposed)".utf8) != 0)
    }

    /// CompiledPolicySet.namedPaths: another name of the second file was not known.
    @Test func namedFilesAreToldApart() throws {
        let (set, _) = try set("file: {matchPaths: [{path: /\(Self.composed)}, {path: /\(Self.decomposed)}]}")
        #expect(set.namedPaths().map { Array($0.path.utf8) } == [Self.composed, Self.decomposed].map { Array("/\($0)".utf8) })
    }

    @Test func argumentsAreToldApart() {
        let policies = file("process: {matchPaths: [{path: /x, action: Allow, allowedArgs: [\(Self.composed), \(Self.decomposed)]}]}").policies
        #expect(policies.first?.rules.first?.allowedArguments.count == 2)
    }

    /// An edit from one form to the other is a change.
    @Test func policiesAreToldApart() {
        var library = PolicyLibrary()
        library.update(file: "f.yaml", text: Array(PolicySample.text(spec: "file: {matchPaths: [{path: /\(Self.composed)}]}").utf8))
        let change = library.update(file: "f.yaml", text: Array(PolicySample.text(spec: "file: {matchPaths: [{path: /\(Self.decomposed)}]}").utf8))
        #expect(change.changed == ["shop/p"])
    }

    /// So are the files that hold them.
    @Test func filesAreToldApart() {
        var library = PolicyLibrary()
        library.update(file: "\(Self.composed).yaml", text: Array(PolicySample.text(name: "one").utf8))
        library.update(file: "\(Self.decomposed).yaml", text: Array(PolicySample.text(name: "two").utf8))
        #expect(Set(library.policies.map(\.name)) == ["one", "two"])
    }

    /// A slash with a combining mark behind it is one character, and still a slash.
    @Test(arguments: ["/etc/../\\u0301x", "/etc/./\\u0301x", "/etc//\\u0301x", "//\\u0301x/.."])
    func componentsAreBytes(_ path: String) {
        #expect(file("file: {matchPaths: [{path: \"\(path)\"}]}").errors.count == 1)
        #expect(file("process: {matchPaths: [{path: /a, fromSource: [{path: \"\(path)\"}]}]}").errors.count == 1)
    }

    @Test func aNameHasNoSlash() { #expect(file("process: {matchPaths: [{execname: \"a/\\u0301b\"}]}").errors.count == 1) }

    @Test func aPathMayBeginWithACombiningMark() { #expect(file("file: {matchPaths: [{path: \"/\\u0301x\"}]}").policies.count == 1) }

    @Test func settingsArePathsInBytes() {
        var configuration = Configuration()
        let isTaken = configuration.apply(.spool, "/run/../\u{301}x")
        #expect(!isTaken)
        _ = configuration.apply(.spool, "/run//\u{301}x")
        #expect(Array(configuration.spool.utf8) == Array("/run/\u{301}x".utf8))
    }

    /// libyaml would guess the encoding: `parse` took what `documents` refuses.
    @Test func noOtherEncodingIsRead() {
        #expect(throws: YAMLError.self) { try YAMLParser.parse([0xFE, 0xFF, 0x00, 0x61]) }
        #expect(throws: YAMLError.self) { try YAMLParser.parse([0xFF, 0xFE, 0x61, 0x00]) }
    }
}
