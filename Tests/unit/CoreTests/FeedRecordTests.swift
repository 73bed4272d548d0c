import CABI
import Testing

@testable import Core

@Suite struct FeedRecordTests {
    private func decoded(_ bytes: [UInt8], _ check: (FeedRecord?) throws -> Void) rethrows { try bytes.withUnsafeBytes { try check(FeedRecord($0)) } }

    @Test func aSenderComesBackAsItWas() throws {
        var sender = FeedSender()
        (sender.version, sender.abi, sender.hostName, sender.enforces, sender.missingPrograms) = ("1.2", 7, "node-ä", true, ["pc_exec", ""])
        decoded(FeedRecord.encode(sender)) { record in
            guard case .sender(let found)? = record else { return #expect(Bool(false), "no sender") }
            #expect(found == sender)
        }
    }

    @Test func aWorkloadComesBackAsItWas() throws {
        var workload = FeedWorkload()
        (workload.containerID, workload.containerName, workload.namespace) = ("abc", "web", "shop")
        (workload.pod, workload.image, workload.labels) = ("web-1", "nginx:1", "app=web,tier=front")
        decoded(FeedRecord.encode(SlotReference(slot: 5, generation: 9), workload)) { record in
            guard case .workload(let reference, let found)? = record else { return #expect(Bool(false), "no workload") }
            #expect(reference == SlotReference(slot: 5, generation: 9) && found == workload)
        }
    }

    @Test func anAlertsRuleStandsBeforeTheKernelsBytes() throws {
        var rule = FeedRule()
        (rule.policy, rule.message, rule.severity, rule.tags, rule.isObserved, rule.presetEnforcer) = ("p", "m", 10, ["a", "b"], true, "PRESET-X")
        decoded(FeedRecord.encode(rule) + [1, 2, 3]) { record in
            guard case .alert(let found, let rest)? = record else { return #expect(Bool(false), "no alert") }
            #expect(found == rule && Array(rest) == [1, 2, 3])
        }
    }

    @Test func lossesAreCounted() {
        decoded(FeedRecord.encode(lost: 1 << 40)) { record in
            guard case .lost(let count)? = record else { return #expect(Bool(false), "no loss") }
            #expect(count == 1 << 40)
        }
    }

    /// Whatever is cut off or changed is no record, and reads nothing that is not there.
    @Test func whatIsCutIsNoRecord() {
        var sender = FeedSender()
        sender.missingPrograms = ["one", "two"]
        var rule = FeedRule()
        rule.tags = ["a"]
        for whole in [FeedRecord.encode(sender), FeedRecord.encode(SlotReference(slot: 1, generation: 1), FeedWorkload()), FeedRecord.encode(rule), FeedRecord.encode(lost: 3)] {
            for count in 0..<whole.count { decoded(Array(whole[..<count])) { #expect($0 == nil, "\(count) of \(whole.count) bytes") } }
        }
        decoded([99, 0, 0, 0, 0]) { #expect($0 == nil) }
        decoded([FeedRecord.Kind.sender.rawValue, 0, 0, 0, 0, 255, 255, 255, 255]) { #expect($0 == nil) }
    }
}
