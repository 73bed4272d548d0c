import CLibYAML

/// Reads YAML 1.1 with libyaml into nodes, with bounds that no honest document meets.
public enum YAMLParser {
    /// Mappings and sequences inside one another.
    static let depthLimit = 64
    /// Values of one document.
    static let nodeLimit = 100_000

    /// Reads the one document of `text`; nil if it is empty.
    ///
    /// - Throws: `YAMLError` for a syntax error, a second document, a duplicate key, an alias (they can explode), or a bound
    ///   exceeded.
    public static func parse(_ text: [UInt8]) throws(YAMLError) -> YAMLNode? {
        var session = Session(text)
        defer { session.close() }
        return try session.document()
    }

    /// One run of libyaml's event parser. The parser and the text live at fixed addresses while it runs.
    private struct Session {
        private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        private let text: UnsafeMutableBufferPointer<UInt8>
        private var nodes = 0

        init(_ bytes: [UInt8]) {
            text = UnsafeMutableBufferPointer.allocate(capacity: max(bytes.count, 1))
            _ = text.initialize(from: bytes)
            yaml_parser_initialize(parser)
            yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
        }

        func close() {
            yaml_parser_delete(parser)
            parser.deallocate()
            text.deallocate()
        }

        mutating func document() throws(YAMLError) -> YAMLNode? {
            try expect(YAML_STREAM_START_EVENT)
            var event = try next()
            defer { yaml_event_delete(&event) }
            if event.type == YAML_STREAM_END_EVENT { return nil }
            var first = try next()
            let node = try node(&first, depth: 0)
            try expect(YAML_DOCUMENT_END_EVENT)
            var last = try next()
            defer { yaml_event_delete(&last) }
            guard last.type == YAML_STREAM_END_EVENT else { throw failure(last, "only one document is allowed here") }
            return node
        }

        /// The next event; the caller deletes it.
        private func next() throws(YAMLError) -> yaml_event_t {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else {
                let mark = parser.pointee.problem_mark
                let problem = parser.pointee.problem.map { String(cString: $0) } ?? "is not YAML"
                throw YAMLError(line: mark.line + 1, column: mark.column + 1, problem: problem)
            }
            return event
        }

        private func expect(_ type: yaml_event_type_t) throws(YAMLError) {
            var event = try next()
            defer { yaml_event_delete(&event) }
            guard event.type == type else { throw failure(event, "unexpected content") }
        }

        private func failure(_ event: yaml_event_t, _ problem: String) -> YAMLError {
            YAMLError(line: event.start_mark.line + 1, column: event.start_mark.column + 1, problem: problem)
        }

        /// The value that starts with `event`, which is deleted.
        private mutating func node(_ event: inout yaml_event_t, depth: Int) throws(YAMLError) -> YAMLNode {
            defer { yaml_event_delete(&event) }
            nodes += 1
            guard nodes <= YAMLParser.nodeLimit else { throw failure(event, "the document has more than \(YAMLParser.nodeLimit) values") }
            guard depth <= YAMLParser.depthLimit else { throw failure(event, "nested more than \(YAMLParser.depthLimit) deep") }
            let value: YAMLNode.Value
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                value = .scalar(String(decoding: bytes, as: UTF8.self), quoted: scalar.style != YAML_PLAIN_SCALAR_STYLE)
            case YAML_SEQUENCE_START_EVENT: value = .sequence(try sequence(depth))
            case YAML_MAPPING_START_EVENT: value = .mapping(try mapping(depth))
            case YAML_ALIAS_EVENT: throw failure(event, "aliases (*name) are not allowed")
            default: throw failure(event, "unexpected content")
            }
            return YAMLNode(value: value, line: event.start_mark.line + 1, column: event.start_mark.column + 1)
        }

        private mutating func sequence(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
            var elements: [YAMLNode] = []
            while true {
                var event = try next()
                if event.type == YAML_SEQUENCE_END_EVENT {
                    yaml_event_delete(&event)
                    return elements
                }
                elements.append(try node(&event, depth: depth + 1))
            }
        }

        private mutating func mapping(_ depth: Int) throws(YAMLError) -> [YAMLNode.Member] {
            var members: [YAMLNode.Member] = []
            var names: Set<String> = []
            while true {
                var event = try next()
                if event.type == YAML_MAPPING_END_EVENT {
                    yaml_event_delete(&event)
                    return members
                }
                let key = try node(&event, depth: depth + 1)
                guard case .scalar(let name, _) = key.value else {
                    throw YAMLError(line: key.line, column: key.column, problem: "a key must be plain text")
                }
                guard names.insert(name).inserted else {
                    throw YAMLError(line: key.line, column: key.column, problem: "the key \(name) stands twice")
                }
                var valueEvent = try next()
                let value = try node(&valueEvent, depth: depth + 1)
                members.append(YAMLNode.Member(key: name, line: key.line, column: key.column, value: value))
            }
        }
    }
}
