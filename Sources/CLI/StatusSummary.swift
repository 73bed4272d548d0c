/// The parts of the daemon's report that have a line of their own in `portcullis status`.
struct StatusSummary: Decodable {
    struct Kernel: Decodable {
        let release, bpfLSM, labels, fork, pins, hostNamespaces: String
        let adopted: Bool
        let programs, missingPins: [String]
    }
    struct Maps: Decodable { let containers, capacity, identities, bytes: Int }
    struct Enforcement: Decodable {
        let active, reduced: Bool
        let formerVersion: Int
        let formerVersionStays: String
        let reason, posture, networkPosture, capabilitiesPosture: String
        struct Host: Decodable { let policies: [String] }
        let host: Host
        struct SelfProtection: Decodable {
            let on, unlocked: Bool
            let reason: String
        }
        struct Pause: Decodable { let scope, until: String }
        let selfProtection: SelfProtection
        let pauses: [Pause]
        let hooks, hooksOnDemand, missing, problems, warnings, containersWithOlderPolicies: [String]
        let policies, sets, setBytes, policyFilesLeftOut: Int
    }
    struct Replay: Decodable {
        let state, failure: String
        let registered, known, refused: Int
        let bySource: [String: Int]
        let problems: [String]
    }
    /// Counters by name; the few that are lists are left to `--json`.
    struct Counters: Decodable {
        let values: [(name: String, value: UInt64)]

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            values = container.allKeys.compactMap { key in
                (try? container.decode(UInt64.self, forKey: key)).map { (key.stringValue, $0) }
            }.sorted { $0.name < $1.name }
        }

        subscript(name: String) -> UInt64 { values.first { $0.name == name }?.value ?? 0 }
    }
    let version: String
    let abi, uptimeSeconds: Int
    let kernel: Kernel
    let enforcement: Enforcement
    let maps: Maps
    let replay: Replay
    let counters: Counters
    let configuration: [String: String]
}
