import Foundation
import HookWire

@testable import Core

/// What the hook reads: the state on standard input, the bundle's configuration, /proc, and its own arguments.
extension FuzzTarget {
    static var hookTargets: [FuzzTarget] { [json, jsonAgainstFoundation, ociState, bundleConfig, processFacts, hookOptions, hookOptionsFile] }

    static let jsonWords = texts(
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\u0000", "\\ud83d", "\\ude00", "\\uD800\\uDC00", "\\/", "\\n", "null", "true", "false", "-",
        "0", "-0", "1e5", "1E+", ".5", "\"\":", "{\"a\":", "[[[[[[[[", "{\"id\":", "\"id\"", "\"pid\"", "\"status\"", "\"bundle\"", "\"annotations\"",
        "\"process\"", "\"args\"", "\"apparmorProfile\"", "\"root\"", "\"path\"", "\"running\"", "\"stopped\"", " ", "\t", "\n", "\"a\":1,", "\"\\u0061\":2,")

    private static let documents = texts(
        "{}", "[]", "null", "0", #"{"a":[1,-2.5e3,true,null],"b":{"c":"d","é":""},"f":"\ud83d\ude00\n"}"#,
        "{" + (0..<30).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}", String(repeating: "[", count: 64) + String(repeating: "]", count: 64))

    static let json = FuzzTarget(
        name: "json", format: .json, seeds: documents, words: jsonWords, generate: { JSONGenerator.document(&$0) },
        reader: {
            { input throws(BrokenPromise) in
                let mark = fingerprint(input)
                let whole = JSONTree.skip(input, step: .max, window: 16 << 10)
                let read = JSONTree.read(input, step: 1 + mark % 13, window: 1 + mark / 13 % 40)
                // Where a window ends must not change what a document means, and skipping must be as strict as reading.
                switch (whole, read) {
                case (nil, .success): return true
                case (let error?, .failure(let other)):
                    try promise(error == other, "skipped: \(error), read: \(other)")
                    try promise((0...input.count).contains(error.offset), "\(error) is outside the document")
                    return false
                case (let error, _): throw BrokenPromise(description: "skipped: \(String(describing: error)), read: \(read)")
                }
            }
        })

    /// Foundation's reader as a second opinion.
    static let jsonAgainstFoundation = FuzzTarget(
        name: "json-foundation", format: .json, seeds: documents, words: jsonWords, limit: 4096, generate: { JSONGenerator.document(&$0) },
        reader: {
            { input throws(BrokenPromise) in
                let other = try? JSONSerialization.jsonObject(with: Data(input), options: [.fragmentsAllowed])
                switch JSONTree.read(input, step: .max, window: 4096) {
                case .success(let tree):
                    // Numbers beyond its range are refused by Foundation, and no number is compared.
                    try promise(other != nil || tree.hasLargeNumber, "accepted, and Foundation refuses it")
                    // Foundation drops a byte order mark that a string begins with.
                    if let other, !input.contains(0xEF) { try promise(tree.equals(other), "\(tree) is \(other) for Foundation") }
                    return true
                case .failure(let error):
                    // It reads UTF-16 and UTF-32 too, and takes a byte order mark.
                    let isOtherEncoding = input.prefix(4).contains { $0 == 0 || $0 >= 0xEF }
                    let isOfGrammar = [.syntax, .truncated, .encoding].contains(error.kind)
                    // It takes a comma behind the last element.
                    let isOurs = !isOfGrammar || other == nil || isOtherEncoding || JSONTree.hasTrailingComma(input)
                    try promise(isOurs, "\(error), and Foundation accepts it")
                    return false
                }
            }
        })

    static let ociState = FuzzTarget(
        name: "oci-state", format: .ociState,
        seeds: texts(
            #"{"ociVersion":"1.0.2","id":"c1","status":"creating","pid":7,"bundle":"/b","annotations":{"a":"1","io.container.manager":"libpod"}}"#,
            #"{"id":"c1","status":"stopped","bundle":"/b"}"#, #"{"id":"c1","status":"running","pid":2147483647,"bundle":"/b","annotations":null}"#),
        words: jsonWords,
        reader: {
            { input throws(BrokenPromise) in
                let mark = fingerprint(input)
                let state = Result { () throws(JSONError) in try OCIState.read(ArraySource(input)) }
                let again = Result { () throws(JSONError) in try OCIState.read(ArraySource(input, step: 1 + mark % 29)) }
                switch (state, again) {
                case (.success(let state), .success(let again)):
                    try promise(state.isSame(as: again), "\(state) is \(again) in small steps")
                    guard state.problem == nil, let operation = state.operation else { return false }
                    var message = HookMessage(operation: operation, containerID: state.containerID)
                    message.bundle = state.bundle
                    if operation == .add { (message.pid, message.startTime) = (UInt32(state.pid), 1) } else { message.bundle = [] }
                    try HookWirePromises.daemonTakes(message)
                    return true
                case (.failure(let error), .failure(let other)):
                    // How much of a string that is too long was seen depends on the window.
                    let isSame = error == other || (error.kind == .stringTooLong && other.kind == .stringTooLong)
                    try promise(isSame && (0...input.count).contains(error.offset), "\(error), in small steps \(other)")
                    return false
                default: throw BrokenPromise(description: "\(state) is \(again) in small steps")
                }
            }
        })

    static let bundleConfig = FuzzTarget(
        name: "bundle-config", format: .ociConfig,
        seeds: texts(
            #"{"ociVersion":"1.0.2","process":{"args":["/bin/sh","-c","x"],"apparmorProfile":"prof"},"root":{"path":"rootfs"},"annotations":{"a":"1","io.kubernetes.pod.namespace":"shop"},"linux":{"seccomp":{"syscalls":[{"names":["read"]}]}}}"#,
            #"{"process":null,"root":null,"annotations":null}"#),
        words: jsonWords,
        reader: {
            { input throws(BrokenPromise) in
                let mark = fingerprint(input)
                switch Result(catching: { () throws(JSONError) in try BundleConfig.read(ArraySource(input, step: 1 + mark % 4096)) }) {
                case .success(let config):
                    var message = HookMessage(operation: .add, containerID: [UInt8(ascii: "c")])
                    (message.pid, message.startTime) = (1, 1)
                    (message.annotations, message.apparmorProfile) = (config.annotations, config.apparmorProfile)
                    (message.argument0, message.rootfs) = (config.argument0, config.rootfs)
                    try HookWirePromises.daemonTakes(message)
                    return true
                case .failure(let error):
                    try promise((0...input.count).contains(error.offset), "\(error) is outside the document")
                    return false
                }
            }
        })

    static let processFacts = FuzzTarget(
        name: "proc", format: .text,
        seeds: texts(
            "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 34567 1 2\n", "0::/user.slice\n", "12:pids:/a\n11:cpu,cpuacct:/b:c\n0::/\n"),
        words: texts(")", "(", " ", "\n", ":", "::", "0::/", "18446744073709551616"), limit: 8192,
        reader: {
            { input throws(BrokenPromise) in
                let path = ProcessText.cgroupPath(in: input)
                try promise(path.count < HookLimits.path && !path.contains(0x0A), "the path \(path)")
                _ = ProcessText.parent(inStat: input)
                _ = CgroupName.containerID(in: path)
                return ProcessText.startTime(inStat: input) != nil || !path.isEmpty
            }
        })

    static let hookOptions = FuzzTarget(
        name: "hook-options", format: .text,
        seeds: texts("--config\0/nowhere\0--socket\0/run/s\0--timeout=250ms", "--on-failure\0deny\0--allow-namespace\0kube-system\0--spool=/x", "--help"),
        words: texts("\0", "=", "--timeout", "--timeout=", "10s", "9999999s", "--", "/"), limit: 4096,
        reader: {
            { input throws(BrokenPromise) in
                // No file: a fuzzer must not open what an input names.
                let arguments = input.split(separator: 0, omittingEmptySubsequences: false).map { $0.starts(with: "--config".utf8) ? [] : Array($0) }
                guard case .run(let options) = Options.parse(arguments) else { return false }
                try promise((1_000_000...10_000_000_000).contains(options.timeout), "a timeout of \(options.timeout)")
                return true
            }
        })

    /// The hook's own file: a wrong one changes nothing but `problem`.
    static let hookOptionsFile = FuzzTarget(
        name: "hook-file", format: .text,
        seeds: texts(
            #"{"socket":"/run/s","timeout":"250ms","on-failure":"deny","allow-namespace":["a","b"],"agent-annotation":"a=b","replay-program":"/x"}"#, "{}"),
        words: jsonWords + texts("\"socket\":", "\"timeout\":\"1s\"", "\"deny-namespace\":[", "\"config\":\"/x\""), limit: 8192,
        reader: {
            let directory = try ScratchDirectory("hook")
            let path = Array((directory.path + "/hook.json").utf8)
            return { input throws(BrokenPromise) in
                directory.write("hook.json", input)
                var options = Options()
                options.readFile(path)
                try promise((1_000_000...10_000_000_000).contains(options.timeout), "a timeout of \(options.timeout)")
                try promise(!options.problem.bytes.contains { $0 < 0x20 }, "a problem of two lines")
                guard !options.problem.bytes.isEmpty else { return true }
                let usual = Options()
                try promise(options.socket == usual.socket && options.timeout == usual.timeout && options.allowedNamespaces.isEmpty, "half a file counts")
                return false
            }
        })
}

extension OCIState {
    func isSame(as other: OCIState) -> Bool {
        (containerID, status, pid, bundle) == (other.containerID, other.status, other.pid, other.bundle) && annotations == other.annotations
    }
}
