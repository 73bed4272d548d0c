import Glibc
import HookWire

@testable import Core
@testable import Daemon

/// What peers send: hooks to the daemon and the daemon to hooks, clients of the control socket to the daemon.
extension FuzzTarget {
    static var wireTargets: [FuzzTarget] { [frame, marks, answer, hookConnection, control, crioLabels] }

    static let bodies: [[UInt8]] = {
        var message = HookMessage(operation: .add, containerID: Array("c1".utf8))
        (message.pid, message.startTime, message.mountNamespace, message.pidNamespace) = (7, 8, 9, 10)
        (message.bundle, message.cgroupPath) = (Array("/run/containerd/io.containerd.runtime.v2.task/k8s.io/c1".utf8), Array("/kubepods/x".utf8))
        (message.argument0, message.rootfs, message.apparmorProfile) = (Array("sh".utf8), Array("rootfs".utf8), Array("p".utf8))
        message.annotations = [("io.kubernetes.cri.sandbox-namespace", "shop"), ("a", ""), ("é", "\n")].map { .init(key: Array($0.0.utf8), value: Array($0.1.utf8)) }
        message.hasStarted = true
        var large = message
        large.annotations = (0..<40).map { .init(key: Array("k\($0)".utf8), value: [UInt8](repeating: 0x61, count: 1000)) }
        let small = HookMessage(operation: .remove, containerID: Array("c1".utf8))
        return [message, small, large].map { Array($0.encoded()[Frame.lengthBytes...]) }
    }()

    private static let fieldWords: [[UInt8]] = [[1, 1, 0, 0], [1, 2, 0, 0], [1, 0x81, 0, 0]] + (1...13).map { [$0, 0, 4, 0, 0, 0, 1, 0, 0, 0] }
        + [[0, 0x80, 0, 0, 0, 0], [9, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0x61], [1, 0, 1, 0, 0, 0, 0x62], [13, 0, 1, 0, 0, 0, 1]]

    static let frame = FuzzTarget(
        name: "frame", format: .binary, seeds: bodies, words: fieldWords, generate: { body(&$0) },
        reader: {
            { input throws(BrokenPromise) in
                let message = Result { () throws(FrameError) in try HookMessage(decoding: input[...]) }
                let bare = Result { () throws(FrameError) in try HookMessage(decoding: input[...], keepsAnnotations: false) }
                switch (message, bare) {
                case (.success(let message), .success(let bare)):
                    var expected = message
                    expected.annotations = []
                    try promise(bare == expected, "\(bare) without annotations, \(message) with them")
                    // What it is once written again, it stays.
                    let frame = message.encoded()
                    guard let again = try? HookMessage(decoding: frame[Frame.lengthBytes...]) else { throw BrokenPromise(description: "\(message) cannot be read again") }
                    if message.operation == .add { try promise(again == message, "\(message) became \(again)") }
                    try promise(again.encoded() == frame, "\(again) is written in two ways")
                    try HookWirePromises.use(message, input[...])
                    return true
                case (.failure(let error), .failure(let other)):
                    try promise(error == other, "\(error) and \(other)")
                    return false
                default: throw BrokenPromise(description: "\(message) with annotations, \(bare) without")
                }
            }
        })

    /// Fields in any order, most of them right.
    private static func body(_ random: inout FuzzRandom) -> [UInt8] {
        var body: [UInt8] = [1, random.chance(70) ? 1 : 2, 0, 0]
        var tags = Array(1...13).filter { $0 <= 5 || random.chance(50) }
        for _ in 0..<random.below(4) { tags.append(9) }
        for tag in tags {
            let size = [2: 4, 3: 8, 4: 8, 5: 8, 12: 4, 13: 1][tag] ?? 1 + random.below(random.pick([4, 40, 5000]))
            var value = (0..<size).map { _ in UInt8(ascii: "a") + UInt8(random.below(26)) }
            if tag == 9 { value = [UInt8(min(random.below(size + 1), 255)), 0, 0, 0] + value }
            if tag == 2 { value = [7, 0, 0, 0] }
            if random.chance(3) { value.append(0) }
            body += [UInt8(tag), random.chance(2) ? 0x80 : 0] + (0..<4).map { UInt8(truncatingIfNeeded: value.count >> ($0 * 8)) } + value
        }
        return body
    }

    /// The frames around a scan, and what a hook reports that failed.
    static let marks = FuzzTarget(
        name: "marks", format: .binary,
        seeds: [
            ReplayMark.begin.encoded(), ReplayMark.end(problems: [Array("a".utf8), []]).encoded(),
            HookReport(containerID: Array("c".utf8), ending: .denied, elapsed: 7, problem: Array("why".utf8)).encoded(),
        ].map { Array($0[4...]) }, words: [[1, 3, 0, 0], [1, 4, 0, 0], [1, 5, 0, 0], [17, 0, 1, 0, 0, 0, 0x61], [15, 0, 4, 0, 0, 0, 1, 0, 0, 0], [16, 0, 1, 0, 0, 0, 1]], limit: 1 << 14,
        reader: {
            { input throws(BrokenPromise) in
                let mark = try? ReplayMark(decoding: input[...]), report = try? HookReport(decoding: input[...])
                try promise(mark == nil || report == nil, "a mark and a report")
                if let report { try promise((try? HookReport(decoding: report.encoded()[4...])) == report, "\(report) is written in two ways") }
                if case .end(let problems) = mark {
                    // An empty problem is not written.
                    let again = try? ReplayMark(decoding: ReplayMark.end(problems: problems).encoded()[4...])
                    try promise(again == .end(problems: problems.filter { !$0.isEmpty }), "\(problems) are written in two ways")
                }
                return mark != nil || report != nil
            }
        })

    static let answer = FuzzTarget(
        name: "answer", format: .binary,
        seeds: [HookAnswer(code: .registered, abi: 1), HookAnswer(code: .kernel, abi: 1, reason: Array("why".utf8))].map { Array($0.encoded()[4...]) },
        words: [[1, 0x81, 0, 0], [0x07, 0x01]], limit: 2048,
        reader: {
            { input throws(BrokenPromise) in
                guard let answer = try? HookAnswer(decoding: input[...]) else { return false }
                let again = try? HookAnswer(decoding: answer.encoded()[Frame.lengthBytes...])
                try promise(again?.code == answer.code && again?.abi == answer.abi && again?.reason == Array(answer.reason.prefix(HookAnswer.reasonLimit)), "\(answer)")
                return true
            }
        })

    /// A stream of frames, cut anywhere: what is read must not depend on how it came.
    static let hookConnection = FuzzTarget(
        name: "connection", format: .binary,
        seeds: [bodies.flatMap { [UInt8(truncatingIfNeeded: $0.count), UInt8(truncatingIfNeeded: $0.count >> 8), 0, 0] + $0 }, [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]],
        words: fieldWords + [[0, 0, 0, 0], [4, 0, 0, 0], [0, 0, 0x10, 0], [1, 0, 0x10, 0]],
        reader: {
            { input throws(BrokenPromise) in
                let mark = fingerprint(input)
                let whole = bodies(in: input, chunk: max(input.count, 1)), parts = bodies(in: input, chunk: 1 + mark % 97)
                try promise(whole == parts, "\(whole.count) frames at once, \(parts.count) in parts")
                return whole.contains { (try? HookMessage(decoding: $0[...])) != nil }
            }
        })

    /// As `HookServer.serve` takes them.
    private static func bodies(in input: [UInt8], chunk: Int) -> [[UInt8]] {
        var connection = HookConnection(socket: -1, now: 0, patience: 0)
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: input.count, by: chunk) {
            connection.received += input[start..<min(start + chunk, input.count)]
            reading: while true {
                switch connection.front {
                case .incomplete: break reading
                case .tooLong: return found
                case .frame(let range):
                    found.append(Array(connection.received[range]))
                    connection.received.removeFirst(range.upperBound)
                }
            }
        }
        return found
    }

    static let control = FuzzTarget(
        name: "control", format: .binary,
        seeds: ControlProtocol.Command.allCases.map { Array(ControlProtocol.request($0, Array("name\0text: 1\n".utf8))[4...]) } + [[1], [2, 1]],
        words: [[1, 6], [1, 8], [0]] + texts("default/p", "name\0", "600 namespace ", " container ", "86400"), limit: 1 << 14,
        reader: {
            { input throws(BrokenPromise) in
                guard let (second, text) = ControlProtocol.parts(input[...]), let command = ControlProtocol.Command(rawValue: second) else { return false }
                try promise(Array(ControlProtocol.request(command, Array(text))[4...]) == input, "\(command) is written in two ways")
                if command == .pause {
                    guard let request = try? PauseRequest(text: String(decoding: text, as: UTF8.self)) else { return false }
                    try promise((try? PauseRequest(text: request.text)) == request, "\(request) is written in two ways")
                }
                guard command == .applyPolicies || command == .forcePolicies else { return true }
                guard let submission = PolicySubmission(decoding: text) else { return false }
                try promise(submission.name.utf8.allSatisfy { $0 >= 0x20 } && submission.name.utf8.count <= PolicySubmission.nameLimit, "the name \(submission.name)")
                try promise(PolicySubmission(decoding: submission.encoded[...]) == submission, "\(submission.name) is written in two ways")
                return true
            }
        })

    /// An annotation of CRI-O's that is a JSON document of its own, with the labels that a pod's author chose.
    static let crioLabels = FuzzTarget(
        name: "crio-labels", format: .text, seeds: texts(#"{"app":"web","io.kubernetes.pod.namespace":"kube-system"}"#, "{}"), words: jsonWords, limit: 8192,
        reader: {
            { input throws(BrokenPromise) in
                var message = HookMessage(operation: .add, containerID: Array("c".utf8))
                message.bundle = Array("/var/run/containers/storage/overlay-containers/abc/userdata".utf8)
                message.annotations = [("io.container.manager", Array("cri-o".utf8)), ("io.kubernetes.pod.namespace", Array("shop".utf8)), ("io.kubernetes.cri-o.Labels", input)]
                    .map { .init(key: Array($0.0.utf8), value: $0.1) }
                let labels = ContainerLabels(message)
                try promise(labels.namespace == "shop" && labels.labels["io.kubernetes.pod.namespace"] == "shop", "\(labels)")
                return labels.labels.count > 1
            }
        })
}
