import Foundation
import HookWire
import TestSupport

/// A bundle, a state that names this very process as the container's init, and a place for sockets.
struct HookFixture {
    let scratch: Scratch
    var socket: String { scratch.path + "/hook.sock" }
    var spool: String { scratch.path + "/spool" }

    init() throws {
        scratch = try Scratch()
        try config(Self.config)
    }

    static let config = """
        {"ociVersion":"1.0.2","process":{"args":["/bin/sh","-c","x"],"apparmorProfile":"prof"},"root":{"path":"rootfs"},
         "annotations":{"a":"1","io.kubernetes.pod.namespace":"shop"},"linux":{"seccomp":{"syscalls":[{"names":["read"]}]}}}
        """

    func config(_ text: String) throws { try scratch.write("bundle/config.json", text) }
    func config(_ bytes: Data) throws { try scratch.write("bundle/config.json", bytes) }

    func state(
        id: String = "c1", status: String = "creating", pid: Int32 = getpid(), bundle: String? = nil, annotations: String = "{}"
    ) -> String {
        #"{"ociVersion":"1.0.2","id":"\#(id)","status":"\#(status)","pid":\#(pid),"bundle":"\#(bundle ?? scratch.path + "/bundle")","annotations":\#(annotations)}"#
    }

    func run(_ hook: String, _ state: String, _ arguments: [String] = []) throws -> Outcome {
        try run(hook, Data(state.utf8), arguments)
    }

    func run(_ hook: String, _ state: Data, _ arguments: [String] = []) throws -> Outcome {
        try Command.run(hook, ["--socket", socket, "--spool", spool] + arguments, input: state)
    }

    /// The hook's builds: what is shipped, and the same sources as an ordinary program.
    static let hooks = [Tree.embeddedHook, Tree.ordinaryHook]
}
