import HookWire

/// A JSON document as a whole, for small ones of which most is wanted: the daemon's status. Numbers are integers from 0 on; others read as `nothing`.
public enum JSONDocument: Equatable, Sendable {
    case object([(name: String, value: JSONDocument)])
    case array([JSONDocument])
    case string(String)
    case number(UInt64)
    case truth(Bool)
    /// `null`, or a number that is none of ours.
    case nothing

    /// - Throws: `JSONError` for what is not one JSON document.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(ArraySource(bytes), limit: max(bytes.count, 1))
        self = try Self.read(&reader)
        try reader.finish()
    }

    private static func read(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> JSONDocument {
        switch try reader.peekToken() {
        case UInt8(ascii: "{"):
            var members: [(name: String, value: JSONDocument)] = [], name: [UInt8] = [], isFirst = true
            let mark = try reader.beginObject()
            while try reader.nextKey(mark, first: &isFirst, name: &name) { members.append((String(decoding: name, as: UTF8.self), try read(&reader))) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONDocument] = [], isFirst = true
            try reader.beginArray()
            while try reader.nextElement(first: &isFirst) { elements.append(try read(&reader)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(String(decoding: try reader.readString(limit: JSONLimits.documentBytes), as: UTF8.self))
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try reader.readInteger(limit: UInt64.max / 16))
        case UInt8(ascii: "t"):
            try reader.skipValue()
            return .truth(true)
        case UInt8(ascii: "f"):
            try reader.skipValue()
            return .truth(false)
        default:
            try reader.skipValue()
            return .nothing
        }
    }

    public static func == (one: JSONDocument, other: JSONDocument) -> Bool {
        switch (one, other) {
        case (.object(let one), .object(let other)): one.count == other.count && zip(one, other).allSatisfy { $0.name == $1.name && $0.value == $1.value }
        case (.array(let one), .array(let other)): one == other
        case (.string(let one), .string(let other)): one == other
        case (.number(let one), .number(let other)): one == other
        case (.truth(let one), .truth(let other)): one == other
        case (.nothing, .nothing): true
        default: false
        }
    }

    // MARK: What is in it. What is not there, or is of another type, is nothing, empty or nil.

    public subscript(_ name: String) -> JSONDocument {
        guard case .object(let members) = self else { return .nothing }
        return members.first { $0.name == name }?.value ?? .nothing
    }

    public var members: [(name: String, value: JSONDocument)] { if case .object(let members) = self { members } else { [] } }
    public var elements: [JSONDocument] { if case .array(let elements) = self { elements } else { [] } }
    public var text: String? { if case .string(let text) = self { text } else { nil } }
    public var number: UInt64? { if case .number(let number) = self { number } else { nil } }
    public var isTrue: Bool? { if case .truth(let value) = self { value } else { nil } }
    /// How many elements an array has; nil for what is none.
    public var count: UInt64? { if case .array(let elements) = self { UInt64(elements.count) } else { nil } }
}
