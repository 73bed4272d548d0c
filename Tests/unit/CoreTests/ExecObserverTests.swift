import CABI
import Testing

@testable import Core

struct ExecObserverTests {
    private static let rules = """
        process:
          matchPaths: [{path: /bin/env, severity: 7}, {path: /bin/report, action: Audit}, {path: /bin/mine, ownerOnly: true}]
          matchDirectories: [{dir: /opt/, recursive: true, fromSource: [{path: /bin/sh}]}]
        action: Block
        """

    private func set(_ spec: String, posture: Posture = .audit) throws -> CompiledPolicySet {
        let parsed = PolicySample.parse(PolicySample.text(spec: spec))
        #expect(parsed.errors.isEmpty, "\(parsed.errors)")
        return try PolicySetCompiler.compile(PolicySetInput(policies: parsed.policies, posture: Postures(posture)))
    }

    private func event(_ path: String, source: pc_source = PC_SOURCE_LABEL, type: pc_event_type = PC_EVENT_EXEC, flags: UInt32 = 0) throws -> Event {
        var header = pc_event()
        header.type = UInt16(type.rawValue)
        header.source = UInt16(source.rawValue)
        header.flags = UInt16(flags)
        header.pid = 4711
        header.uid = 33
        header.path_length = UInt16(path.utf8.count)
        let bytes = withUnsafeBytes(of: header) { Array($0) } + Array(path.utf8)
        return try #require(bytes.withUnsafeBytes { Event($0) })
    }

    @Test(arguments: [
        ("/bin/env", "Audit (Block)"), ("/bin/report", "Audit"), ("//bin/./env", "Audit (Block)"), ("/bin/other", nil), ("bin/env", nil),
        ("/bin/../bin/env", nil), ("/bin/mine", nil), ("/opt/x", nil), ("", nil), ("/", nil),
    ] as [(String, String?)])
    func anEventIsJudgedByItsPath(_ path: String, _ action: String?) throws {
        let set = try set(Self.rules)
        let alert = try #require(ExecObserver(set)).alert(try event(path))
        #expect((alert != nil) == (action != nil))
        guard let alert, let action else { return }
        let json = String(decoding: alert.json(set, nil, WorkloadIdentity(), wallClockOffset: 0), as: UTF8.self)
        #expect(json.contains(#""action":"\#(action)","result":"Passed","enforcer":"observer","operation":"exec""#), "\(json)")
        #expect(json.contains(#""policy":"p","namespace":"shop","section":"process","rule":"process.matchPaths["#), "\(json)")
        #expect(json.contains(#""path":"/bin/"#) && json.contains(#""hostPid":4711"#) && json.contains(#""uid":33"#) && !json.contains("fileOwner"))
    }

    @Test func whatIsNoExecOfAContainersOwnIsNotJudged() throws {
        let observer = try #require(ExecObserver(try set(Self.rules)))
        for source in [PC_SOURCE_HOST, PC_SOURCE_SETUP, PC_SOURCE_STALE] { #expect(observer.alert(try event("/bin/env", source: source)) == nil) }
        #expect(observer.alert(try event("/bin/env", source: PC_SOURCE_KEY)) != nil)
        #expect(observer.alert(try event("/bin/env", type: PC_EVENT_EXIT)) == nil)
        #expect(observer.alert(try event("/bin/env", flags: PC_EVENT_PATH_CUT.rawValue)) == nil)
    }

    @Test(arguments: [(Posture.block, "Audit (Block)"), (.audit, "Audit")])
    func theWhitelistsPostureIsNamed(_ posture: Posture, _ action: String) throws {
        let set = try set("process: {matchPaths: [{path: /bin/good}]}\naction: Allow", posture: posture)
        let observer = try #require(ExecObserver(set))
        #expect(observer.alert(try event("/bin/good")) == nil)
        let json = try #require(observer.alert(try event("/bin/evil"))).json(set, nil, WorkloadIdentity(), wallClockOffset: 0)
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains(#""policy":"DefaultPosture""#) && text.contains(#""action":"\#(action)","result":"Passed""#), "\(text)")
    }

    @Test func aSetWithoutProcessRulesObservesNothing() throws {
        #expect(ExecObserver(try set("file: {matchPaths: [{path: /etc/secret}]}\naction: Block")) == nil)
    }
}
