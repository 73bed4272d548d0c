import Foundation
import HookWire

/// A document read through `JSONReader`'s own calls, as a caller would who wants all of it.
indirect enum JSONTree {
    case object([(key: [UInt8], value: JSONTree)])
    case array([JSONTree])
    case string([UInt8])
    case number(hasExponent: Bool)
    case literal(UInt8)

    /// Nil if the document is accepted.
    static func skip(_ input: [UInt8], step: Int, window size: Int) -> JSONError? {
        do throws(JSONError) {
            var reader = JSONReader(ArraySource(input, step: step))
            try reader.skipValue()
            try reader.finish()
            return nil
        } catch { return error }
    }

    static func read(_ input: [UInt8], step: Int, window size: Int) -> Result<JSONTree, JSONError> {
        let window = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { window.deallocate() }
        return Result { () throws(JSONError) in
            var reader = JSONReader(ArraySource(input, step: step), window: window)
            let tree = try value(&reader, input)
            try reader.finish()
            return tree
        }
    }

    private static func value<Source: ByteSource>(_ reader: inout JSONReader<Source>, _ input: [UInt8]) throws(JSONError) -> JSONTree {
        let token = try reader.peekToken()
        switch token {
        case UInt8(ascii: "{"):
            var members: [(key: [UInt8], value: JSONTree)] = []
            let mark = try reader.beginObject()
            var isFirst = true
            var name: [UInt8] = []
            while try reader.nextKey(mark, first: &isFirst, name: &name) { members.append((name, try value(&reader, input))) }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONTree] = []
            try reader.beginArray()
            var isFirst = true
            while try reader.nextElement(first: &isFirst) { elements.append(try value(&reader, input)) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try reader.readString(limit: .max))
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            try reader.skipValue()
            return .literal(token)
        default:
            let start = reader.failure(.syntax).offset
            try reader.skipValue()
            let text = input[start..<min(reader.failure(.syntax).offset, input.count)]
            return .number(hasExponent: text.contains { $0 | 0x20 == UInt8(ascii: "e") } || text.count > 300)
        }
    }

    /// Somewhere, also in a string.
    static func hasTrailingComma(_ input: [UInt8]) -> Bool {
        let text = input.filter { $0 > 0x20 }
        return zip(text, text.dropFirst()).contains { $0 == UInt8(ascii: ",") && ($1 | 0x20 == UInt8(ascii: "}")) }
    }

    var hasLargeNumber: Bool {
        switch self {
        case .object(let members): members.contains { $0.value.hasLargeNumber }
        case .array(let elements): elements.contains(where: \.hasLargeNumber)
        case .number(let hasExponent): hasExponent
        case .string, .literal: false
        }
    }

    /// Whether Foundation has read the same.
    func equals(_ other: Any) -> Bool {
        switch self {
        case .object(let members):
            guard let object = other as? [String: Any] else { return false }
            let names = members.map { String(decoding: $0.key, as: UTF8.self) }
            // Its keys are one if Unicode calls them equivalent.
            guard Set(names).count == names.count else { return true }
            return names.count == object.count && zip(names, members).allSatisfy { name, member in object[name].map { member.value.equals($0) } ?? false }
        case .array(let elements):
            guard let array = other as? [Any] else { return false }
            return elements.count == array.count && zip(elements, array).allSatisfy { $0.equals($1) }
        case .string(let bytes): return (other as? String).map { Array($0.utf8) } == bytes
        case .number: return other is NSNumber
        case .literal(UInt8(ascii: "n")): return other is NSNull
        case .literal(let first): return (other as? Bool) == (first == UInt8(ascii: "t"))
        }
    }
}

/// Documents by the grammar, with many members and much nesting.
enum JSONGenerator {
    static func document(_ random: inout FuzzRandom) -> [UInt8] {
        var text: [UInt8] = []
        value(&text, &random, 0)
        return text
    }

    private static func value(_ text: inout [UInt8], _ random: inout FuzzRandom, _ depth: Int) {
        switch random.below(depth > 5 ? 5 : 9) {
        case 0: text += random.pick(texts("null", "true", "false", "0", "-1.5e+7", "12345678901234567890"))
        case 1, 2, 3, 4: string(&text, &random)
        case 5, 6:
            text.append(UInt8(ascii: "["))
            for index in 0..<random.below(6) {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                value(&text, &random, depth + 1)
            }
            text.append(UInt8(ascii: "]"))
        default:
            text.append(UInt8(ascii: "{"))
            for index in 0..<random.below(random.chance(10) ? 60 : 6) {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                string(&text, &random)
                text.append(UInt8(ascii: ":"))
                value(&text, &random, depth + 1)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func string(_ text: inout [UInt8], _ random: inout FuzzRandom) {
        text.append(UInt8(ascii: "\""))
        for _ in 0..<random.below(8) {
            switch random.below(8) {
            case 0: text += random.pick(texts("\\n", "\\u00e9", "\\ud83d\\ude00", "\\\\", "\\\"", "\\/", "\\u0000"))
            case 1: text += random.pick(texts("é", "€", "😀", "\u{7F}", "\u{301}"))
            default: for _ in 0..<random.below(12) { text.append(UInt8(ascii: "a") + UInt8(random.below(26))) }
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
