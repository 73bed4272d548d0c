import Glibc
import HookWire
import RuntimeWrapper

@testable import Core
@testable import Daemon

/// What an earlier run left, and what administrators configure: files, and records in the kernel's maps.
extension FuzzTarget {
    static var stateTargets: [FuzzTarget] { [record, runtimeState, podmanList, dockerFile, spool, configuration, configurationFile, policyStore] }

    static let record = FuzzTarget(
        name: "record", format: .binary,
        seeds: bodies.map { [80, 0x96, 0x98, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + $0 } + [[0]], words: [[1, 1, 0, 0], [7, 0, 0, 0]], limit: 1 << 15,
        reader: {
            { input throws(BrokenPromise) in
                let record = ContainerRecord(decoding: input)
                try promise(record == nil || record?.encoded() == input, "a record is written in two ways")
                return try adopt(input) || record.map { (try? HookMessage(decoding: $0.message[...])) != nil } ?? false
            }
        })

    /// A daemon that finds this record. True if it takes the container over.
    private static func adopt(_ bytes: [UInt8]) throws(BrokenPromise) -> Bool {
        let mark = fingerprint(bytes)
        let kernel = MemoryKernel(capacity: 4)
        kernel.start(7, mount: 100, sequence: 1, time: 1)
        kernel.slots[1] = SlotContent(state: mark % 5 == 0 ? .retired : .active, generation: 3, mountSequence: 1, tasks: 1)
        kernel.records[1] = (3, bytes)
        if mark % 3 == 0 { kernel.processes[7]?.label = SlotReference(slot: 1, generation: 3) }
        var registry = Registry(kernel: kernel)
        guard let watched = try? registry.adopt() else { throw BrokenPromise(description: "a record stops the start") }
        try promise(watched.count <= 1 && registry.count <= 1, "\(watched.count) containers in one slot")
        for container in registry.containers.compactMap({ $0 }) where container.state == .running {
            try promise(kernel.keys[container.process.key] == container.reference && kernel.processes[7]?.label == container.reference, "half a container")
        }
        if registry.count == 0 { try promise(kernel.isEmpty, "something is left") }
        return !watched.isEmpty
    }

    private static func bundle(_ state: [UInt8], _ step: Int) -> [UInt8]? { try? StateBundle.read(ArraySource(state, step: step)) }

    /// What runc and crun left of their containers.
    static let runtimeState = FuzzTarget(
        name: "runtime-state", format: .json,
        seeds: texts(
            #"{"id":"c1","init_process_pid":7,"init_process_start":8,"config":{"rootfs":"/r","apparmor_profile":"p","labels":["a=b","bundle=/x","bundle=/b"]}}"#,
            #"{"pid":7,"process-start-time":1152921504606846976,"bundle":"/b","rootfs":"/r","cgroup-path":"/c"}"#),
        words: jsonWords + texts("\"labels\":[", "\"bundle=/b\"", "\"config\":{", "\"init_process_start\":", "1152921504606846977"),
        reader: {
            { input throws(BrokenPromise) in
                let step = 1 + fingerprint(input) % 61
                var isAccepted = false
                for isRunc in [true, false] {
                    func read(_ step: Int) -> Result<RuntimeState, JSONError> {
                        let source = ArraySource(input, step: step)
                        return Result { () throws(JSONError) in try isRunc ? RuntimeState.runc(source) : RuntimeState.crun(source, id: [0x63]) }
                    }
                    switch (read(.max), read(step)) {
                    case (.success(let state), .success(let again)):
                        try promise(state == again, "\(state) is \(again) in small steps")
                        try promise(bundle(input, step) == bundle(input, .max), "the wrapper finds another bundle in small steps")
                        guard state.pid > 0, state.startTime > 0, !state.id.isEmpty else { continue }
                        var message = HookMessage(operation: .add, containerID: state.id)
                        (message.pid, message.startTime, message.sources) = (UInt32(state.pid), state.startTime, 1)
                        (message.bundle, message.rootfs, message.annotations, message.apparmorProfile) = (state.bundle, state.rootfs, state.annotations, state.apparmorProfile)
                        try HookWirePromises.daemonTakes(message)
                        isAccepted = true
                    case (.failure(let error), .failure(let other)):
                        try promise(error.kind == other.kind && (0...input.count).contains(error.offset), "\(error), in small steps \(other)")
                    case (let state, let again): throw BrokenPromise(description: "\(state) is \(again) in small steps")
                    }
                }
                return isAccepted
            }
        })

    /// podman's list of its containers.
    static let podmanList = FuzzTarget(
        name: "podman-list", format: .json,
        seeds: texts(#"[{"id":"c1","names":["n"],"metadata":"{\"image-name\":\"i\",\"name\":\"o\"}"},{"names":null,"id":"c2","metadata":""}]"#, "null", "[]"),
        words: jsonWords + texts("\"names\":[", "\"metadata\":\"{", "\"id\":\"c1\"", "\\\"image-name\\\":"),
        reader: {
            { input throws(BrokenPromise) in
                func read(_ step: Int, _ only: [UInt8]? = nil) -> Result<[[UInt8]: StoredNames], JSONError> {
                    Result { () throws(JSONError) in try PodmanStorage.names(in: ArraySource(input, step: step), only: only) }
                }
                let whole = read(.max), wanted: [UInt8] = Array("c1".utf8)
                try promise(whole == read(1 + fingerprint(input) % 61), "it is another list in small steps")
                guard case .success(let names) = whole else { return false }
                // Reading for one stops at it, the first; reading for all keeps the last.
                if case .success(let one) = read(.max, wanted) { try promise(one.isEmpty == (names[wanted] == nil), "c1 is there for one reader only") }
                for (_, known) in names {
                    var message = HookMessage(operation: .add, containerID: wanted)
                    (message.pid, message.startTime) = (1, 1)
                    message.setNames(known)
                    try HookWirePromises.daemonTakes(message)
                }
                return !names.isEmpty
            }
        })

    /// Docker's file of a container: what labels it has, an image's author may have written.
    static let dockerFile = FuzzTarget(
        name: "docker-file", format: .json,
        seeds: texts(#"{"ID":"c1","Name":"/n","Config":{"Image":"i","Labels":{"app":"shop","kubearmor.io/container.name":"x"}}}"#, #"{"Config":{"Labels":null},"ID":"c1"}"#),
        words: jsonWords + texts("\"ID\":\"c1\"", "\"Config\":{", "\"Labels\":{", "\"Image\":", "portcullis.io/name"),
        reader: {
            { input throws(BrokenPromise) in
                let id: [UInt8] = Array("c1".utf8)
                func read(_ step: Int) -> Result<StoredNames?, JSONError> {
                    Result { () throws(JSONError) in try DockerStorage.names(in: ArraySource(input, step: step), of: id) }
                }
                let whole = read(.max)
                try promise(whole == read(1 + fingerprint(input) % 61), "it is another file in small steps")
                guard case .success(var names?) = whole else { return false }
                _ = names.cutLabels()
                var message = HookMessage(operation: .add, containerID: id)
                (message.pid, message.startTime) = (1, 1)
                message.bundle = Array("/io.containerd.runtime.v2.task/moby/c1".utf8)
                message.setNames(names)
                try HookWirePromises.daemonTakes(message)
                let labels = ContainerLabels(message)
                let name = String(decoding: names.name, as: UTF8.self)
                try promise(labels.containerName == (name.isEmpty || names.name.contains(0) ? "c1" : name), "a label has named it \(labels.containerName)")
                return true
            }
        })

    static let spool = FuzzTarget(
        name: "spool", format: .binary, seeds: bodies, words: [[1, 1, 0, 0], [7, 0, 0, 0], [9, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0x61]],
        reader: {
            let directory = try ScratchDirectory("spool")
            return { input throws(BrokenPromise) in
                let length = (0..<4).map { UInt8(truncatingIfNeeded: input.count >> ($0 * 8)) }
                directory.write("a.frame", length + input)
                directory.write("b.frame", input)
                directory.write(".c.frame", input)
                var handled = 0
                let (counters, complaints) = SpoolReader(directory: directory.path).drain { message, body in
                    handled += 1
                    // A remove that says more than a remove needs is handed on without it.
                    let again = try? HookMessage(decoding: body)
                    let isSame = again?.containerID == message.containerID && again?.operation == message.operation && again?.hasStarted == true
                    return HookAnswer(code: isSame ? .registered : .malformed, abi: 1)
                }
                try promise(counters.accepted + counters.invalid == 2 && counters.left == 0, "\(counters), \(complaints)")
                try promise(Int(counters.accepted) == handled && Int(counters.invalid) == complaints.count, "\(counters), \(complaints)")
                try promise(FileAccess.names(in: directory.path) == [".c.frame"], "\(FileAccess.names(in: directory.path) ?? [])")
                return handled > 0
            }
        })

    private static let settings = texts(
        "capacity: 4096\nlog-level: debug\nspool: /run//portcullis/spool/\n", "file-posture: block\nvisibility: process, file\nrequire-enforcement: true\n",
        "namespaces:\n  shop: {file-posture: block, kubearmor-visibility: none}\nnode-labels: {a: b, kubernetes.io/hostname: x}\n", "{}", "")

    private static let settingWords = yamlWords + Setting.allCases.map { Array(($0.rawValue + ": ").utf8) }
        + texts("namespaces:", "node-labels:", "true", "block", "none", "process,", "/a", "65536", "  a: {}", "kubearmor-file-posture: x")

    static let configuration = FuzzTarget(
        name: "configuration", format: .text, seeds: settings, words: settingWords, limit: 1 << 13,
        reader: {
            { input throws(BrokenPromise) in
                do throws(PortcullisError) {
                    let sources = try ConfigurationSources(arguments: [], environment: [:])
                    let read = try sources.configuration(file: "c.yaml", text: input)
                    // A setting as it is shown can be given as it is shown.
                    for setting in Setting.allCases {
                        var again = read
                        guard again.apply(setting, read.text(setting)), again == read else { throw PortcullisError(.conflict, "\(setting)") }
                    }
                    let paths = [read.hookSocket, read.controlSocket, read.spool, read.bpfDirectory, read.policyDirectory, read.appliedPolicyDirectory]
                    guard paths.allSatisfy(PolicyPromises.isPlainPath) else { throw PortcullisError(.conflict, "a path of \(paths)") }
                    return true
                } catch {
                    try promise(error.code == .configuration && error.message.hasPrefix("c.yaml:"), "\(error)")
                    return false
                }
            }
        })

    static let configurationFile = FuzzTarget(
        name: "config-file", format: .text, seeds: settings, words: settingWords, limit: 70_000,
        reader: {
            let directory = try ScratchDirectory("config")
            let path = directory.path + "/config.yaml"
            directory.write("config.yaml", Array("log-level: warning\n".utf8))
            let sources = try ConfigurationSources(arguments: ["--config", path], environment: [:])
            let file = try ConfigurationFile(sources)
            return { input throws(BrokenPromise) in
                let before = file.current
                directory.write("config.yaml", input)
                switch file.reload() {
                case .success:
                    try promise(file.problem == nil, "a problem of a good file")
                    // A second look at the same file changes nothing.
                    let after = file.current
                    guard case .success(let report) = file.reload() else { throw BrokenPromise(description: "good once, then wrong") }
                    try promise(report.applied.isEmpty && file.current == after, "\(report.applied) applied twice")
                    return true
                case .failure(let error):
                    try promise(file.current == before && file.problem == error.description, "a wrong file changed something")
                    return false
                }
            }
        })

    static let policyStore = FuzzTarget(
        name: "policy-store", format: .yaml, seeds: policies, words: yamlWords + texts("# applied with --force\n"), limit: 1 << 13,
        reader: {
            let directory = try ScratchDirectory("store")
            return { input throws(BrokenPromise) in
                // Under the name that it would have been stored by.
                let identity = PolicyParser.parse(input, file: "f").policies.first?.identity ?? "shop/p"
                let namespace = directory.path + "/" + identity.prefix { $0 != "/" }
                mkdir(namespace, 0o700)
                directory.write(identity, input)
                defer { unlink(directory.path + "/" + identity); rmdir(namespace) }
                var library = PolicyLibrary()
                guard let stored = try? AppliedPolicyStore(path: directory.path).read() else { throw BrokenPromise(description: "a file stops the start") }
                try promise(stored.map(\.identity) == [identity], "\(stored.map(\.identity)) instead of \(identity)")
                library.restore(stored)
                try promise(library.policies.map(\.identity) == [identity] || (library.policies.isEmpty && !library.problems.isEmpty), "neither read nor refused")
                return !library.policies.isEmpty
            }
        })
}

extension PolicyPromises {
    static func isPlainPath(_ path: String) -> Bool {
        let parts = Array(path.utf8).split(separator: 0x2F, omittingEmptySubsequences: false)
        return path.utf8.first == 0x2F && parts.dropFirst().allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}
