#if !SINGLE_MODULE
import HookWire
#endif

/// The hook's command line.
struct Options {
    /// What to do when the container cannot be registered.
    enum FailurePolicy {
        case allow
        case deny
    }

    /// What the command line asks for.
    enum Request {
        case run(Options)
        case help
        case version
        /// The argument that is wrong, and why.
        case wrong([UInt8], StaticString)
    }

    static var millisecond: Int64 { 1_000_000 }

    var socket: [UInt8] = bytes("/run/portcullis/hook.sock")
    var spool: [UInt8] = bytes("/run/portcullis/spool")
    /// Nanoseconds for everything: reading, connecting, sending and the answer.
    var timeout: Int64 = 1_000 * millisecond
    var onFailure = FailurePolicy.allow
    /// Namespaces that `onFailure == .deny` does not hold up, so that the agent's own pod can start.
    var allowedNamespaces: [[UInt8]] = []
    /// Namespaces that it holds up even if `onFailure == .allow`; stronger than `allowedNamespaces`.
    var deniedNamespaces: [[UInt8]] = []
    /// The annotation of the agent's own container, `key=value`. When that one starts, the hook has `replayProgram` look for what runs already.
    var agentAnnotation: [UInt8] = []
    var replayProgram: [UInt8] = []
    /// What is wrong with the configuration file; empty if nothing is. Then flags and defaults count.
    var problem = Line()

    static func bytes(_ text: StaticString) -> [UInt8] {
        Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Reads the arguments after the program's name. `--name value` and `--name=value` are the same.
    static func parse(_ arguments: [[UInt8]]) -> Request {
        var options = Options()
        var file: [UInt8]?
        for index in arguments.indices where is_(arguments[index], "--config") && index + 1 < arguments.count { file = arguments[index + 1] }
        options.readFile(file)
        var index = 0
        while index < arguments.count {
            var name = arguments[index]
            var inline: [UInt8]?
            if let equals = name.firstIndex(of: UInt8(ascii: "=")) {
                inline = Array(name[(equals + 1)...])
                name = Array(name[..<equals])
            }
            index += 1
            if is_(name, "--help") || is_(name, "-h") { return .help }
            if is_(name, "--version") { return .version }
            guard isKnown(name) else { return .wrong(arguments[index - 1], "unknown option") }
            if inline == nil, index < arguments.count {
                inline = arguments[index]
                index += 1
            }
            guard let value = inline, !value.isEmpty else { return .wrong(name, "needs a value") }
            if let problem = options.set(name, to: value) { return .wrong(value, problem) }
        }
        return .run(options)
    }

    static func is_(_ name: [UInt8], _ text: StaticString) -> Bool { ContainerRuntime.equal(name, text) }

    static func isKnown(_ name: [UInt8]) -> Bool {
        is_(name, "--socket") || is_(name, "--timeout") || is_(name, "--on-failure") || is_(name, "--allow-namespace")
            || is_(name, "--deny-namespace") || is_(name, "--agent-annotation") || is_(name, "--replay-program") || is_(name, "--spool")
            || is_(name, "--config")
    }

    /// Applies one option; returns what is wrong with its value, nil if nothing is.
    mutating func set(_ name: [UInt8], to value: [UInt8]) -> StaticString? {
        if Self.is_(name, "--socket") {
            guard value[0] == UInt8(ascii: "/") else { return "--socket takes an absolute path" }
            socket = value
        } else if Self.is_(name, "--spool") {
            guard value[0] == UInt8(ascii: "/") else { return "--spool takes an absolute path" }
            spool = value
        } else if Self.is_(name, "--config") {
            guard value[0] == UInt8(ascii: "/") else { return "--config takes an absolute path" }
        } else if Self.is_(name, "--allow-namespace") {
            allowedNamespaces.append(value)
        } else if Self.is_(name, "--deny-namespace") {
            deniedNamespaces.append(value)
        } else if Self.is_(name, "--agent-annotation") {
            guard value.contains(UInt8(ascii: "=")) else { return "--agent-annotation takes KEY=VALUE" }
            agentAnnotation = value
        } else if Self.is_(name, "--replay-program") {
            guard value[0] == UInt8(ascii: "/") else { return "--replay-program takes an absolute path" }
            replayProgram = value
        } else if Self.is_(name, "--on-failure") {
            if Self.is_(value, "allow") {
                onFailure = .allow
            } else if Self.is_(value, "deny") {
                onFailure = .deny
            } else {
                return "--on-failure takes allow or deny"
            }
        } else {
            guard let duration = Self.duration(value), duration >= Self.millisecond, duration <= 10_000 * Self.millisecond else {
                return "--timeout takes 1ms to 10s, as in 500ms or 2s"
            }
            timeout = duration
        }
        return nil
    }

    /// Nanoseconds of `250ms`, `2s` or `2` (seconds).
    private static func duration(_ text: [UInt8]) -> Int64? {
        var number: Int64 = 0
        var index = 0
        while index < text.count, text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9"), index < 7 {
            number = number * 10 + Int64(text[index] - UInt8(ascii: "0"))
            index += 1
        }
        guard index > 0 else { return nil }
        let unit = Array(text[index...])
        if unit.isEmpty || is_(unit, "s") { return number * 1_000 * millisecond }
        return is_(unit, "ms") ? number * millisecond : nil
    }
}
