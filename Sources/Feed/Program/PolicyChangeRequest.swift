#if Feed
import Core
import FoundationEssentials

/// What KubeArmor's clients send: a policy and what became of it.
struct PolicyChangeRequest: Sendable {
    let type: String
    /// As the daemon's policy commands name it.
    let identity: String
    /// A policy document as the daemon reads it.
    let document: [UInt8]

    /// Nil if it is no JSON of that form or the policy has no name.
    init?(json: Data, kind: String) {
        guard let root = (try? JSONDecoder().decode(JSONValue.self, from: json))?.object, case .string(let type)? = root["type"], var policy = root["object"]?.object,
            let metadata = policy["metadata"]?.object, case .string(let name)? = metadata["name"], !name.isEmpty
        else { return nil }
        self.type = type
        policy["apiVersion"] = .string("security.kubearmor.com/v1")
        policy["kind"] = .string(kind)
        policy["status"] = nil
        guard let text = try? JSONEncoder().encode(JSONValue.object(policy)) else { return nil }
        document = Array(text)
        let namespace = if case .string(let text)? = metadata["namespace"], !text.isEmpty { text } else { "default" }
        identity = kind == "KubeArmorHostPolicy" ? "\(Policy.hostNamespace)/\(name)" : "\(namespace)/\(name)"
    }

    var isOfHost: Bool { identity.hasPrefix("\(Policy.hostNamespace)/") }

    /// Whether a policy is another one now, by what the daemon says became of it; nil if it was refused.
    static func hasChanged(_ answer: [UInt8]) -> Bool? {
        guard let object = (try? JSONDecoder().decode(JSONValue.self, from: Data(answer)))?.object, case .bool(true)? = object["accepted"] else { return nil }
        guard case .array(let changed)? = object["changed"] else { return false }
        return !changed.isEmpty
    }
}

/// Any JSON text.
enum JSONValue: Codable, Sendable {
    case null, bool(Bool), number(Double), string(String), array([JSONValue]), object([String: JSONValue])

    var object: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

    init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() { self = .null }
        else if let value = try? container.decode(Bool.self) { self = .bool(value) }
        else if let value = try? container.decode(Double.self) { self = .number(value) }
        else if let value = try? container.decode(String.self) { self = .string(value) }
        else if let value = try? container.decode([JSONValue].self) { self = .array(value) }
        else { self = .object(try container.decode([String: JSONValue].self)) }
    }

    func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): if let whole = Int64(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
#endif
