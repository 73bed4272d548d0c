import Core
import Testing

@Suite struct MessageTextTests {
    @Test func anAlertIsOneLine() {
        #expect(
            MessageText.compact(MessageSamples.alert("File", "/etc/shadow"))
                == #"03:04:05.678 shop/web-0/web(3f2a91b7c0de) BLOCKED File /etc/shadow by /bin/cat pid=1 host-pid=4711 uid=33 policy=secrets severity=7 (Permission denied) "keep out""#)
    }

    @Test func aLogSaysHowItWasSeen() {
        #expect(
            MessageText.compact(MessageSamples.log("Process", "/bin/sh -c true", parent: "/usr/bin/init", data: "syscall=SYS_EXECVE"))
                == "03:04:05.678 shop/web-0/web(3f2a91b7c0de) PASSED Process /bin/sh -c true by /usr/bin/init pid=1 host-pid=4711 uid=33 [syscall=SYS_EXECVE]")
    }

    @Test(arguments: [("Block", "BLOCKED"), ("Audit (Block)", "WOULD-BLOCK"), ("Audit", "AUDIT")])
    func verdictsOfAlerts(_ action: String, _ word: String) { #expect(MessageText.verdict(MessageSamples.alert("File", "/x", action: action)) == word) }

    @Test(arguments: [("Passed", "PASSED"), ("Permission denied", "DENIED"), ("No such file or directory", "FAILED")])
    func verdictsOfLogs(_ result: String, _ word: String) { #expect(MessageText.verdict(MessageSamples.log("File", "/x", result: result)) == word) }

    @Test func ownersWithoutNamesAreTheirIDs() {
        let generated = String(repeating: "0123456789abcdef", count: 4)
        #expect(MessageText.owner(MessageSamples.workload(generated, name: "", pod: "")) == "0123456789ab")
        #expect(MessageText.owner(MessageSamples.workload("mine", name: "", pod: "")) == "mine")
        #expect(MessageText.owner(MessageSamples.workload("mine", name: "mine", pod: "")) == "mine")
        #expect(MessageText.owner(MessageSamples.workload("mine", name: "c", pod: "")) == "shop/c(mine)")
        #expect(MessageText.owner(FeedWorkload()) == "host")
    }

    @Test func aTablesColumnsAreUnderTheirTitles() throws {
        let row = MessageText.row(MessageText.cells(MessageSamples.alert("File", "/etc/shadow")))
        for (title, cell) in [("WORKLOAD", "shop/web-0"), ("VERDICT", "BLOCKED"), ("POLICY", "secrets"), ("RESOURCE", "/etc/shadow")] {
            let place = try #require(MessageText.title.firstRange(of: title)?.lowerBound), found = try #require(row.firstRange(of: cell)?.lowerBound)
            #expect(MessageText.title.distance(from: MessageText.title.startIndex, to: place) == row.distance(from: row.startIndex, to: found))
        }
        // Nothing is cut.
        let long = String(repeating: "x", count: 60)
        #expect(MessageText.row(["", long, "AUDIT", "", "", "", "end"]).contains("\(long)  AUDIT"))
    }
}
