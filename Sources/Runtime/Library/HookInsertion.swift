#if !SINGLE_MODULE
import HookWire
#endif

/// Where the hook's entries go into a bundle's `config.json`, as text at byte offsets: whatever else stands there stays as it is,
/// byte for byte, be it unknown, oddly spelt or in an odd order.
///
/// The hook is added to `createRuntime`, behind what is there: other hooks set the container up, and what they do inside is not the
/// container's doing. It is added to `poststop` in front: runc runs no hook behind one that fails. A list that names the hook
/// already stays, and so does `createRuntime` where `prestart` names it.
public struct HookInsertion {
    /// `length` bytes at `offset` are replaced by `text`; mostly none are.
    public struct Edit {
        public let offset: Int
        public let length: Int
        public let text: [UInt8]
    }

    /// By ascending offset; none if the hook is in both places already.
    public private(set) var edits: [Edit] = []

    /// One list of hooks, as it was found.
    private struct List {
        /// Behind the bracket, or where the `null` begins.
        var start = 0
        /// Behind the last element.
        var end = 0
        var isThere = false
        var isNull = false
        var isEmpty = true
        var namesHook = false
    }

    private let entry: HookEntry
    private var prestart = List()
    private var createRuntime = List()
    private var poststop = List()

    /// Reads a configuration to its end; nothing of it is kept.
    ///
    /// - Throws: `JSONError` for what is no JSON, names a member twice, or has hooks of another type than the specification's.
    public static func find<Source: ByteSource>(
        _ entry: HookEntry, in source: Source, window: UnsafeMutableRawBufferPointer? = nil
    ) throws(JSONError) -> HookInsertion {
        var reader = JSONReader(source, window: window)
        var insertion = HookInsertion(entry: entry)
        let mark = try reader.beginObject()
        var first = true
        var hasHooks = false
        var name: [UInt8] = []
        var end = reader.offset
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "hooks") {
                hasHooks = true
                try insertion.readHooks(&reader)
            } else {
                try reader.skipValue()
            }
            end = reader.offset
        }
        try reader.finish()
        if !hasHooks {
            var text: [UInt8] = []
            JSONText.append(first ? #""hooks":"# : #","hooks":"#, to: &text)
            text.append(contentsOf: insertion.hooks)
            insertion.edits.append(Edit(offset: end, length: 0, text: text))
        }
        return insertion
    }

    private init(entry: HookEntry) { self.entry = entry }

    /// The document with the entries in it.
    public func applied(to document: UnsafeRawBufferPointer) -> [UInt8] {
        var size = document.count
        for edit in edits { size += edit.text.count }
        var result: [UInt8] = []
        result.reserveCapacity(size)
        var position = 0
        for edit in edits {
            result.append(contentsOf: UnsafeRawBufferPointer(rebasing: document[position..<edit.offset]))
            result.append(contentsOf: edit.text)
            position = edit.offset + edit.length
        }
        result.append(contentsOf: UnsafeRawBufferPointer(rebasing: document[position...]))
        return result
    }

    // MARK: Reading

    private mutating func readHooks<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) {
        if try reader.peekToken() == UInt8(ascii: "n") {
            edits.append(Edit(offset: reader.offset, length: Self.nullBytes, text: hooks))
            return try reader.skipValue()
        }
        let mark = try reader.beginObject()
        var first = true
        var name: [UInt8] = []
        var end = reader.offset
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "prestart") {
                prestart = try readList(&reader)
            } else if ContainerRuntime.equal(name, "createRuntime") {
                createRuntime = try readList(&reader)
            } else if ContainerRuntime.equal(name, "poststop") {
                poststop = try readList(&reader)
            } else {
                try reader.skipValue()
            }
            end = reader.offset
        }
        addEntries(end: end, isEmpty: first)
    }

    private func readList<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) -> List {
        var list = List()
        list.isThere = true
        if try reader.peekToken() == UInt8(ascii: "n") {
            list.isNull = true
            list.start = reader.offset
            try reader.skipValue()
            return list
        }
        try reader.beginArray()
        list.start = reader.offset
        list.end = list.start
        var first = true
        while try reader.nextElement(first: &first) {
            if try isHook(&reader) { list.namesHook = true }
            list.end = reader.offset
        }
        list.isEmpty = first
        return list
    }

    /// Whether the element has the hook's path; its arguments and its environment are the administrator's business.
    private func isHook<Source: ByteSource>(_ reader: inout JSONReader<Source>) throws(JSONError) -> Bool {
        let mark = try reader.beginObject()
        var first = true
        var result = false
        var name: [UInt8] = []
        while try reader.nextKey(mark, first: &first, name: &name) {
            if ContainerRuntime.equal(name, "path") {
                result = try reader.readString(limit: JSONLimits.documentBytes) == entry.path
            } else {
                try reader.skipValue()
            }
        }
        return result
    }

    // MARK: What to write

    private static var nullBytes: Int { 4 }

    /// The whole of `hooks`, where there is none.
    private var hooks: [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "{")]
        text.append(contentsOf: member(#""createRuntime":"#))
        text.append(UInt8(ascii: ","))
        text.append(contentsOf: member(#""poststop":"#))
        text.append(UInt8(ascii: "}"))
        return text
    }

    private func member(_ name: StaticString) -> [UInt8] {
        var text: [UInt8] = []
        JSONText.append(name, to: &text)
        text.append(UInt8(ascii: "["))
        text.append(contentsOf: entry.text)
        text.append(UInt8(ascii: "]"))
        return text
    }

    private mutating func addEntries(end: Int, isEmpty: Bool) {
        var members: [UInt8] = []
        if !prestart.namesHook, !createRuntime.namesHook { add(to: createRuntime, called: #""createRuntime":"#, inFront: false, members: &members, isFirst: isEmpty) }
        if !poststop.namesHook { add(to: poststop, called: #""poststop":"#, inFront: true, members: &members, isFirst: isEmpty) }
        if edits.count == 2, edits[1].offset < edits[0].offset { edits.swapAt(0, 1) }
        if !members.isEmpty { edits.append(Edit(offset: end, length: 0, text: members)) }
    }

    /// Notes the edit for one list; a list that is not there becomes one of the `members` that are added behind the last.
    private mutating func add(to list: List, called name: StaticString, inFront: Bool, members: inout [UInt8], isFirst: Bool) {
        guard list.isThere else {
            if !isFirst || !members.isEmpty { members.append(UInt8(ascii: ",")) }
            return members.append(contentsOf: member(name))
        }
        var text: [UInt8] = []
        if list.isNull {
            text.append(UInt8(ascii: "["))
            text.append(contentsOf: entry.text)
            text.append(UInt8(ascii: "]"))
            return edits.append(Edit(offset: list.start, length: Self.nullBytes, text: text))
        }
        if !list.isEmpty, !inFront { text.append(UInt8(ascii: ",")) }
        text.append(contentsOf: entry.text)
        if !list.isEmpty, inFront { text.append(UInt8(ascii: ",")) }
        edits.append(Edit(offset: inFront ? list.start : list.end, length: 0, text: text))
    }
}
