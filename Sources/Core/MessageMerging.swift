import HookWire

extension Container {
    /// The body of the message to go by from now on, when `other` has come about the same container; nil if nothing changes.
    ///
    /// A hook saw the bundle as it was when the container was made; a scan sees what is left. The runtime's own word, through NRI, names the workload with
    /// certainty, and knows labels that no file has; it says nothing of the bundle.
    ///
    /// - Parameter body: `other` as it came; `other` itself may be without its annotations.
    func better(_ other: HookMessage, _ body: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard other.runtime != nil || (other.sources == 0 && isReplayed) else { return nil }
        guard let other = try? HookMessage(decoding: body), let known = try? HookMessage(decoding: message[...]) else { return nil }
        if other.runtime == nil, known.runtime == nil { return body }
        guard let merged = other.runtime != nil ? known.completed(by: other) : other.completed(by: known) else { return nil }
        return merged.encoded(bodyLimit: ContainerRecord.limit).dropFirst(Frame.lengthBytes)
    }
}

extension HookMessage {
    /// This message with what a runtime itself has said of the container; nil if that adds nothing.
    func completed(by word: HookMessage) -> HookMessage? {
        var result = self
        result.runtime = word.runtime
        // First, so that they are not what a record has no room for.
        result.annotations = word.annotations + annotations.filter { mine in !word.annotations.contains { $0.key == mine.key } }
        if result.bundle.isEmpty { result.bundle = word.bundle }
        if result.cgroupPath.isEmpty { result.cgroupPath = word.cgroupPath }
        if result.argument0.isEmpty { result.argument0 = word.argument0 }
        // A scan's finding stays one; what a hook has told of does not become one.
        if sources != 0 { result.sources |= word.sources }
        return result == self ? nil : result
    }
}
