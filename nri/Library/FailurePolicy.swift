import Core
import HookWire

/// What happens to a container that cannot be registered: the hook's own settings (hook.json), so that hook and plugin never disagree.
public struct FailurePolicy: Equatable, Sendable {
    /// `on-failure`: true for `deny`.
    public var denies = false
    /// Let through although `denies`.
    public var allowedNamespaces: [String] = []
    /// Held up although not `denies`; stronger than `allowedNamespaces`.
    public var deniedNamespaces: [String] = []

    public init() {}

    /// Whether there is a namespace whose containers are held up.
    public var deniesAny: Bool { denies || !deniedNamespaces.isEmpty }

    /// Reads the hook's configuration file, of which the hook itself takes nothing if anything is wrong with it.
    ///
    /// - Throws: `.configuration` with what is wrong and where.
    public init(json text: [UInt8]) throws(PortcullisError) {
        if let problem = HookSettings.problem(in: text) { throw PortcullisError(.configuration, problem) }
        do throws(JSONError) {
            var reader = JSONReader(ArraySource(text))
            let mark = try reader.beginObject()
            var isFirst = true
            var name: [UInt8] = []
            while try reader.nextKey(mark, first: &isFirst, name: &name) {
                if ContainerRuntime.equal(name, "on-failure") {
                    denies = ContainerRuntime.equal(try reader.readString(limit: HookLimits.path), "deny")
                } else if ContainerRuntime.equal(name, "allow-namespace") {
                    allowedNamespaces = try Self.names(&reader)
                } else if ContainerRuntime.equal(name, "deny-namespace") {
                    deniedNamespaces = try Self.names(&reader)
                } else {
                    try reader.skipValue()
                }
            }
            try reader.finish()
        } catch { throw PortcullisError(.configuration, "\(error.reason), at byte \(error.offset)") }
    }

    private static func names(_ reader: inout JSONReader<ArraySource>) throws(JSONError) -> [String] {
        var names: [String] = []
        try reader.beginArray()
        var isFirst = true
        while try reader.nextElement(first: &isFirst) { names.append(String(decoding: try reader.readString(limit: HookLimits.path), as: UTF8.self)) }
        return names
    }

    /// Whether a container of this namespace is held up.
    public func denies(_ namespace: String) -> Bool {
        if deniedNamespaces.contains(namespace) { return true }
        return denies && !allowedNamespaces.contains(namespace)
    }
}
