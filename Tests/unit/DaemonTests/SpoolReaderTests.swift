import Foundation
import HookWire
import Testing
import TestSupport

@testable import Daemon

@Suite struct SpoolReaderTests {
    private let scratch: Scratch
    private let path: String

    init() throws {
        scratch = try Scratch()
        path = scratch.path + "/spool"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        chmod(path, 0o700)
    }

    private func leave(_ id: String) throws {
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        (message.pid, message.startTime) = (7, 8)
        try scratch.write("spool/\(id).frame", Data(message.encoded()))
    }

    /// Carries everything out; the containers that were handed over, and what is left in the spool.
    private func drain() throws -> (ids: [String], counters: SpoolCounters, complaints: [String], left: [String]) {
        var ids: [String] = []
        let (counters, complaints) = SpoolReader(directory: path).drain { message, _ in
            #expect(message.hasStarted)
            ids.append(String(decoding: message.containerID, as: UTF8.self))
            return HookAnswer(code: ids.last == "gone" ? .processGone : .registered, abi: 1, reason: [])
        }
        return (ids, counters, complaints, try FileManager.default.contentsOfDirectory(atPath: path).sorted())
    }

    @Test func messagesAreCarriedOutInOrderAndWhatIsNoneIsRemoved() throws {
        for id in ["b", "a", "gone"] { try leave(id) }
        try scratch.write("spool/bad.frame", "hello")
        try scratch.write("spool/.b.frame", "on its way")
        symlink("/etc/passwd", path + "/link.frame")
        let result = try drain()
        #expect(result.ids == ["a", "b", "gone"] && result.left == [".b.frame"])
        #expect(result.counters.accepted == 2 && result.counters.refused == 1 && result.counters.invalid == 2 && result.counters.left == 0)
        #expect(result.complaints.count == 2 && result.complaints[0] == "bad.frame: it is not one whole frame", "\(result.complaints)")
    }

    /// Sets a file's age in seconds.
    private func age(_ name: String, _ seconds: Int) {
        let then = timeval(tv_sec: time(nil) - seconds, tv_usec: 0)
        utimes(path + "/" + name, [then, then])
    }

    @Test func oldRemovesAndUnfinishedFilesExpireAndOldAddsDoNot() throws {
        for (id, seconds) in [("old", SpoolReader.removeLifetime + 5), ("young", 5), ("future", -100_000)] {
            try scratch.write("spool/\(id).frame", Data(HookMessage(operation: .remove, containerID: Array(id.utf8)).encoded()))
            age("\(id).frame", seconds)
        }
        try leave("kept")
        age("kept.frame", 10 * SpoolReader.removeLifetime)
        for (name, seconds) in [(".dead.frame", 100), (".writing.frame", 5), (".from-the-future.frame", -100)] {
            try scratch.write("spool/\(name)", "x")
            age(name, seconds)
        }
        var ids: [String] = []
        let (counters, complaints) = SpoolReader(directory: path).drain { message, _ in
            ids.append(String(decoding: message.containerID, as: UTF8.self))
            return HookAnswer(code: .removed, abi: 1)
        }
        #expect(ids == ["future", "kept", "young"] && complaints.isEmpty)
        #expect(counters.expired == 3 && counters.accepted == 3 && counters.invalid == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [".writing.frame"])
    }

    @Test func aFileThatOthersMayWriteIsNotBelieved() throws {
        try leave("open")
        chmod(path + "/open.frame", 0o666)
        let result = try drain()
        #expect(result.ids.isEmpty && result.counters.invalid == 1 && result.complaints == ["open.frame: it is not a file of ours alone"])
    }

    @Test func aDirectoryIsNotInTheWayOfMessages() throws {
        try scratch.write("spool/a.frame/x", "")
        try leave("b")
        try leave("c")
        for ids in [["b", "c"], []] {
            let result = try drain()
            #expect(result.ids == ids && result.left == ["a.frame"] && result.counters.invalid == 1 && result.counters.left == 0)
            #expect(result.complaints == ["a.frame: it is a directory, and stays"])
        }
    }

    /// What cannot be taken is neither carried out nor lost, and it is said.
    @Test func messagesThatCannotBeTakenStay() throws {
        // No file takes a directory's place.
        try scratch.write("spool/being taken/x", "")
        try scratch.write("spool/being taken.frame/x", "")
        try leave("b")
        try leave("c")
        let result = try drain()
        #expect(result.ids.isEmpty && result.left == ["b.frame", "being taken", "being taken.frame", "c.frame"])
        #expect(result.counters.left == 2 && result.counters.invalid == 1)
        #expect(result.complaints.last == "2 messages cannot be taken and stay; b.frame: Is a directory", "\(result.complaints)")
        try FileManager.default.removeItem(atPath: path + "/being taken")
        let again = try drain()
        #expect(again.ids == ["b", "c"] && again.counters.left == 0 && again.left == ["being taken.frame"])
    }

    @Test func aMessageThatWasBeingTakenIsTakenAgain() throws {
        try leave("a")
        rename(path + "/a.frame", path + "/being taken")
        #expect(try drain().ids == ["a"])
    }

    @Test func aSpoolThatOthersCouldWriteIsNotRead() throws {
        try leave("a")
        chmod(path, 0o770)
        let result = try drain()
        #expect(result.ids.isEmpty && result.left == ["a.frame"] && result.complaints.count == 1)
    }
}
