import Core
import Testing

@Suite struct MessageFilterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let matches: Bool
        let edit: @Sendable (inout MessageFilter) -> Void
        var testDescription: String { name }

        init(_ name: String, _ matches: Bool, _ edit: @escaping @Sendable (inout MessageFilter) -> Void) { (self.name, self.matches, self.edit) = (name, matches, edit) }
    }

    /// Against a denied File alert of policy secrets, of shop/web-0/web (3f2a91b7c0de).
    static let cases = [
        Case("nothing", true) { _ in },
        Case("namespace", true) { $0.namespaces = ["shop"] },
        Case("another namespace", false) { $0.namespaces = ["sho"] },
        Case("one of two namespaces", true) { $0.namespaces = ["default", "shop"] },
        Case("pod", true) { $0.pods = ["web-0"] },
        Case("another pod", false) { $0.pods = ["web"] },
        Case("container's name", true) { $0.containers = ["web"] },
        Case("part of a container's name", false) { $0.containers = ["we"] },
        Case("beginning of an id", true) { $0.containers = ["3f2a"] },
        Case("end of an id", false) { $0.containers = ["c0de"] },
        Case("no container", false) { $0.containers = [""] },
        Case("policy", true) { $0.policies = ["secrets"] },
        Case("policy with its namespace", true) { $0.policies = ["shop/secrets"] },
        Case("policy of another namespace", false) { $0.policies = ["default/secrets"] },
        Case("policy of the cluster", true) { $0.policies = ["_cluster/secrets"] },
        Case("another policy of the namespace", false) { $0.policies = ["shop/other"] },
        Case("operation", true) { $0.operations = ["file"] },
        Case("another operation", false) { $0.operations = ["Process"] },
        Case("denied", true) { $0.results = ["denied"] },
        Case("passed", false) { $0.results = ["passed"] },
        Case("a result's words", true) { $0.results = ["Permission Denied"] },
        Case("action", true) { $0.actions = ["block"] },
        Case("another action", false) { $0.actions = ["Audit"] },
        Case("both of two kinds", true) { ($0.namespaces, $0.actions) = (["shop"], ["Block"]) },
        Case("one of two kinds", false) { ($0.namespaces, $0.actions) = (["shop"], ["Audit"]) },
    ]

    @Test(arguments: cases) func anAlert(_ test: Case) {
        var filter = MessageFilter()
        test.edit(&filter)
        #expect(filter.matches(MessageSamples.alert("File", "/etc/shadow")) == test.matches)
    }

    @Test(arguments: [("passed", "Passed", true), ("denied", "Passed", false), ("denied", "Operation not permitted", true), ("denied", "No such file or directory", false),
        ("no such file or directory", "No such file or directory", true)])
    func aResult(_ wanted: String, _ result: String, _ matches: Bool) {
        var filter = MessageFilter()
        filter.results = [wanted]
        #expect(filter.matches(MessageSamples.log("File", "/x", result: result)) == matches)
    }

    /// The host has no container, whatever is asked for.
    @Test func theHostIsNoContainer() {
        var filter = MessageFilter(), message = MessageSamples.log("Process", "/bin/x")
        message.workload = FeedWorkload()
        filter.containers = ["3"]
        #expect(!filter.matches(message))
    }

    @Test func aLossIsSaidToEverybody() {
        var filter = MessageFilter()
        filter.namespaces = ["elsewhere"]
        let translator = FeedTranslator(clusterName: "", hostName: "", nodeID: "", bootID: "")
        let notice = translator.lossNotice(.alert, 12, nanoseconds: 0, why: "this reader is too slow")
        #expect(notice.isLossNotice && filter.matches(notice) && notice.datum("Lost") == "12")
        #expect(MessageText.compact(notice) == "*** 12 alerts were lost: this reader is too slow ***")
    }
}
