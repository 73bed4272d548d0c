import CLibYAML

/// One run of libyaml's event parser. The parser and the text live at fixed addresses while it runs.
struct YAMLSession {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let textCount: Int
    private let nodeLimit: Int
    private var nodes = 0
    /// How far characters have been counted into bytes. A byte order mark at the start counts as no character.
    private var reached: (characters: Int, bytes: Int)

    init(_ bytes: [UInt8], nodeLimit: Int = YAMLParser.nodeLimit) {
        self.nodeLimit = nodeLimit
        textCount = bytes.count
        reached = (0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
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

    mutating func onlyDocument() throws(YAMLError) -> YAMLNode? {
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

    mutating func documents(limit: Int) -> [YAMLDocument] {
        var result: [YAMLDocument] = []
        do throws(YAMLError) {
            try expect(YAML_STREAM_START_EVENT)
            while true {
                var start = try next()
                defer { yaml_event_delete(&start) }
                if start.type == YAML_STREAM_END_EVENT { return result }
                guard result.count < limit else { throw failure(start, "more than \(limit) documents") }
                // Comments above the first document are its own.
                let begin = result.isEmpty ? 0 : lineStart(start.start_mark)
                if let last = result.indices.last { result[last].bytes = result[last].bytes.lowerBound..<begin }
                result.append(YAMLDocument(line: start.start_mark.line + 1, bytes: begin..<textCount, content: try content()))
            }
        } catch {
            result.append(YAMLDocument(line: error.line, bytes: textCount..<textCount, content: .failure(error), endsTheText: true))
            return result
        }
    }

    /// The offset of the first byte of a mark's line. libyaml counts characters; marks come in the order of the text.
    private mutating func lineStart(_ mark: yaml_mark_t) -> Int {
        let wanted = mark.index - mark.column
        while reached.characters < wanted, reached.bytes < textCount {
            reached.bytes += 1
            while reached.bytes < textCount, text[reached.bytes] & 0xC0 == 0x80 { reached.bytes += 1 }
            reached.characters += 1
        }
        return reached.bytes
    }

    /// What follows the start of a document, its end included.
    ///
    /// - Throws: `YAMLError` if the text cannot be read any further.
    private mutating func content() throws(YAMLError) -> Result<YAMLNode, YAMLError> {
        nodes = 0
        var complaint: YAMLError
        do {
            var first = try next()
            let node = try node(&first, depth: 0)
            try expect(YAML_DOCUMENT_END_EVENT)
            return .success(node)
        } catch { complaint = error }
        // libyaml gives nothing after a syntax error of its own; after a complaint of ours it goes on.
        guard parser.pointee.error == YAML_NO_ERROR else { throw complaint }
        try skipDocument(complaint)
        return .failure(complaint)
    }

    /// Reads up to the end of a document that is refused for `complaint`.
    ///
    /// - Throws: the complaint itself if that would take too long: libyaml's work for each value grows with the depth it stands in.
    private mutating func skipDocument(_ complaint: YAMLError) throws(YAMLError) {
        var depth = 0
        while true {
            var event = try next()
            defer { yaml_event_delete(&event) }
            switch event.type {
            case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT: return
            case YAML_SEQUENCE_START_EVENT, YAML_MAPPING_START_EVENT: depth += 1
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: depth -= 1
            default: break
            }
            guard depth <= YAMLParser.skippedDepthLimit else { throw complaint }
        }
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
        guard nodes <= nodeLimit else { throw failure(event, "the document has more than \(nodeLimit) values") }
        guard depth <= YAMLParser.depthLimit else { throw failure(event, "nested more than \(YAMLParser.depthLimit) deep") }
        let value: YAMLNode.Value
        // A tag would change what a value is behind the reader's back.
        if isTagged(event) { throw failure(event, "tags (!name) are not allowed") }
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

    private func isTagged(_ event: yaml_event_t) -> Bool {
        switch event.type {
        case YAML_SCALAR_EVENT: event.data.scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT: event.data.sequence_start.tag != nil
        case YAML_MAPPING_START_EVENT: event.data.mapping_start.tag != nil
        default: false
        }
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
