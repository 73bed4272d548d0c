import Core
import Foundation
import Testing
import TestSupport

@testable import Daemon

@Suite struct PolicyDirectoryTests {
    private let scratch: Scratch
    private let path: String
    private let directory: PolicyDirectory

    init() throws {
        scratch = try Scratch()
        path = scratch.path + "/policies"
        directory = PolicyDirectory(path)
    }

    private func write(_ name: String, _ text: String) throws {
        try scratch.write("policies/" + name, text)
        chmod(path + "/" + name, 0o600)
    }

    /// What a reading said: name and text, `gone`, or the problem.
    private func read() -> [String] {
        directory.read().map { file, content in
            let name = file == path ? "." : (file as NSString).lastPathComponent
            switch content {
            case .success(let text): return "\(name): \(text.map { String(decoding: $0, as: UTF8.self) } ?? "gone")"
            case .failure(let error): return "\(name): \(error)"
            }
        }
    }

    @Test func whatChangedIsReadAndWhatDidNotIsNot() throws {
        #expect(read().isEmpty)
        try write("b.yaml", "two")
        try write("a.yml", "one")
        try write(".hidden.yaml", "no")
        try write("c.yaml.off", "no")
        #expect(read() == ["a.yml: one", "b.yaml: two"])
        #expect(read().isEmpty)
        try write("a.yml", "other")
        try FileManager.default.removeItem(atPath: path + "/b.yaml")
        #expect(read() == ["a.yml: other", "b.yaml: gone"])
        chmod(path + "/a.yml", 0o666)
        #expect(read() == ["a.yml: could be written by others than root, so it is not believed (chmod go-w)"])
    }

    /// Moved away, removed as a whole, replaced by a file: no file is said to be gone until there is a directory that lacks it.
    @Test(arguments: ["moved", "removed", "replaced"])
    func aDirectoryThatGoesTakesNothingWithIt(_ way: String) throws {
        try write("a.yaml", "one")
        try write("b.yaml", "two")
        #expect(read().count == 2)
        let away = scratch.path + "/away"
        try #require(rename(path, away) == 0)
        if way == "removed" { try FileManager.default.removeItem(atPath: away) }
        if way == "replaced" { try scratch.write("policies", "a file") }
        let reason = way == "replaced" ? "Not a directory" : "No such file or directory"
        for _ in 1...2 { #expect(read() == [".: cannot be read: \(reason)"]) }
        // Back again, without the second file.
        unlink(path)
        try write("a.yaml", "one again")
        #expect(read() == [".: gone", "a.yaml: one again", "b.yaml: gone"])
        #expect(read().isEmpty)
    }

    /// A directory that was not there when the watch was asked for, and one that took another's place, are watched once they were read.
    @Test func whateverHasThePathIsWatched() throws {
        let poller = try Poller()
        // A pipe at its end is always ready, so that waiting for a notice that does not come ends.
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        close(ends[1])
        try poller.add(ends[0], PollToken(.timer))
        func notices() throws -> Bool {
            defer { directory.clear() }
            return try poller.wait(awake: 0).contains { $0.kind == .policies }
        }
        #expect(throws: PortcullisError.self) { try directory.watch(poller) }
        try write("a.yaml", "one")
        #expect(read() == ["a.yaml: one"])
        try write("a.yaml", "two")
        #expect(try notices() && read() == ["a.yaml: two"])
        try #require(rename(path, scratch.path + "/away") == 0)
        #expect(try notices() && read() == [".: cannot be read: No such file or directory"])
        try write("a.yaml", "three")
        #expect(read() == [".: gone", "a.yaml: three"])
        try write("a.yaml", "four")
        #expect(try notices() && read() == ["a.yaml: four"])
    }
}
