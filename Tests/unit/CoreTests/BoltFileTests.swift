@testable import Core
import Testing

/// podman 4's database, page by page.
@Suite struct BoltFileTests {
    private func labels(_ id: String, _ file: some DatabaseBytes) throws -> String? {
        guard let config = try PodmanStorage.config(of: Array(id.utf8), bolt: file) else { return nil }
        return try PodmanStorage.labels(inConfig: config).map { String(decoding: $0.key + [0x3D] + $0.value, as: UTF8.self) }.joined(separator: ",")
    }

    private func labels(_ id: String, _ content: [UInt8]) throws -> String? { try labels(id, DatabaseArray(content)) }

    private func refusal(_ content: [UInt8], _ id: String = "a") -> String? {
        do throws(PortcullisError) {
            _ = try PodmanStorage.config(of: Array(id.utf8), bolt: DatabaseArray(content))
            return nil
        } catch { return error.message }
    }

    @Test(arguments: [512, 4096, 65536]) func aContainerInEveryForm(_ pageSize: Int) throws {
        let file = BoltBuilder.podman(pageSize: pageSize).file
        #expect(try labels("a", file) == "app=shop", "in a bucket with pages of its own")
        #expect(try labels("m", file) == "app=small", "in a bucket within a page")
        for id in ["z", "aa", "0", "zz", "", "ctr"] { #expect(try labels(id, file) == nil, "\(id)") }
    }

    /// The last transaction is that of the meta page with the higher number, unless that one was not written to its end.
    @Test func theLastWholeTransactionCounts() throws {
        var builder = BoltBuilder.podman(pageSize: 4096)
        builder.meta(1, root: 12, pages: 13, transaction: 8)
        #expect(try labels("a", builder.file) == nil)
        builder.file[4096 + 70] ^= 1
        #expect(try labels("a", builder.file) == "app=shop")
        builder.meta(1, root: 3, pages: 13, transaction: 8)
        builder.file[20] ^= 1
        #expect(try labels("a", builder.file) == "app=shop", "the second alone")
        builder.file[4096 + 20] ^= 1
        #expect(refusal(builder.file) == "is no bbolt database, or both its meta pages are damaged")
    }

    /// podman puts another transaction in place while one is read: its pages may have been written over meanwhile.
    @Test func whatChangesMeanwhileIsReadAgain() throws {
        let old = BoltBuilder.podman().file, new = BoltBuilder.podman(label: "changed", transaction: 9).file
        let once = WatchedDatabase(old)
        once.afterRead = { file, offset in if offset == 4 * 512 { file.content = new } }
        #expect(try labels("a", once) == "app=changed")
        // A page that has become another kind of page in between.
        let torn = WatchedDatabase(old)
        torn.afterRead = { file, offset in
            guard offset == 4 * 512, file.content == old else { return }
            file.content = new
            file.content.replaceSubrange(5 * 512..<6 * 512, with: [UInt8](repeating: 0xFF, count: 512))
            file.afterRead = { file, offset in if offset == 5 * 512 { file.content = new } }
        }
        #expect(try labels("a", torn) == "app=changed")
        let always = WatchedDatabase(old)
        var transaction = 10
        always.afterRead = { file, offset in
            transaction += 1
            if offset == 7 * 512 { file.content = BoltBuilder.podman(transaction: transaction).file }
        }
        #expect(throws: PortcullisError(.peer, "is changed again and again while it is read")) { _ = try labels("a", always) }
        #expect(always.reads < 100)
    }

    @Test func whatHasNoEndIsRefused() {
        func text(_ text: String) -> [UInt8] { Array(text.utf8) }
        var circle = BoltBuilder.podman()
        circle.branch(4, [(text("a"), 4)])
        #expect(refusal(circle.file) == "is deeper than 32 pages")
        circle.branch(4, [(text("a"), 99)])
        #expect(refusal(circle.file) == "has no page 99")
        circle.branch(4, [(text("a"), 1)])
        #expect(refusal(circle.file) == "has no page 1")
        circle = .podman()
        circle.file.replaceSubrange(7 * 512 + 12..<7 * 512 + 16, with: BoltBuilder.little(UInt32(1 << 30)))
        #expect(refusal(circle.file) == "has 549755814400 bytes in page 7, of 4194304 at most")
        circle = .podman()
        circle.file.replaceSubrange(7 * 512 + 28..<7 * 512 + 32, with: BoltBuilder.little(UInt32.max))
        #expect(refusal(circle.file) == "has a leaf with a value beyond its end")
    }

    /// Every byte changed, and every length: an answer or a line that says what is wrong, and never more pages than the bounds allow.
    @Test func nothingThatIsWrongDoesHarm() {
        let whole = BoltBuilder.podman().file
        var refused = 0
        func look(_ content: [UInt8]) {
            for id in ["a", "m"] {
                let file = WatchedDatabase(content)
                do throws(PortcullisError) { _ = try PodmanStorage.config(of: Array(id.utf8), bolt: file) } catch {
                    refused += 1
                    #expect(error.code == .peer && !error.message.isEmpty)
                }
                #expect(file.reads < 80, "\(file.reads) reads")
            }
        }
        for index in whole.indices {
            for change: UInt8 in [1, 0xFF] {
                var content = whole
                content[index] ^= change
                look(content)
            }
        }
        for count in stride(from: 0, to: whole.count, by: 7) { look(Array(whole[..<count])) }
        #expect(refused > 500)
    }
}
