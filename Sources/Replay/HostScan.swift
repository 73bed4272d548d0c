import Core
import Glibc
import HookWire

/// One look at a machine: which containers run, by what runtimes left on disk and by what `/proc` shows. No runtime is asked.
public struct HostScan {
    public private(set) var findings = ReplayFindings()
    /// What could not be read, one line each, `ReplayMark.problemLimit` at most.
    public private(set) var problems: [String] = []
    private let host: (mount: UInt64, pid: UInt64)
    /// Monitors that belong to the host: what their children are called is believed.
    private var monitors: [UInt32: MonitorProcess] = [:]
    /// What podman's lists say, by their directory; each is read once.
    private var podmanNames: [[UInt8]: [[UInt8]: StoredNames]] = [:]

    /// Looks.
    ///
    /// - Throws: `.system` if not even this process's own namespaces can be read.
    public init(_ roots: ScanRoots) throws(PortcullisError) {
        // Process 1 may be closed even to root (a container with hidepid, a security module); this process is the host's then.
        let own = UInt32(getpid())
        guard let mount = HostProcess.namespace(1, "mnt") ?? HostProcess.namespace(own, "mnt"),
            let pid = HostProcess.namespace(1, "pid") ?? HostProcess.namespace(own, "pid")
        else { throw PortcullisError(.system, "reading this process's namespaces in /proc", errno: errno) }
        host = (mount, pid)
        let processes = roots.looksAtProcesses ? HostProcess.all() : []
        for pid in processes { noteMonitor(pid) }
        for root in roots.roots { scan(root) }
        for (pid, monitor) in monitors.sorted(by: { $0.key < $1.key }) { scan(monitor, pid) }
        for pid in processes { scanCgroup(pid) }
    }

    // MARK: Runtime state

    private mutating func scan(_ root: ScanRoots.Root) {
        if root.isNamed, !RootOwnedFile.exists(root.path) { complain("\(root.path): \(SystemErrorText.text(ENOENT))") }
        for name in list(root.path) {
            let directory = "\(root.path)/\(name)"
            switch root.kind {
            case .runc: scanState(directory, name, file: "state.json", source: .runc)
            case .crun: scanState(directory, name, file: "status", source: .crun)
            case .containerd: scanBundle(directory, name, source: .containerd)
            case .storage: if name.hasSuffix("-containers") { scanStorage(directory) }
            }
        }
    }

    private mutating func scanState(_ directory: String, _ id: String, file: String, source: ReplaySources) {
        let path = "\(directory)/\(file)"
        // Made by the runtime after its hooks: until then there is a directory, and the hook's own message tells of the container.
        guard RootOwnedFile.exists(path) else { return }
        guard let bytes = read(path) else { return }
        let state: RuntimeState
        do {
            state = try source == .runc ? RuntimeState.runc(ArraySource(bytes)) : RuntimeState.crun(ArraySource(bytes), id: Array(id.utf8))
        } catch { return complain("\(path) \(error.reason), at byte \(error.offset)") }
        guard state.pid > 0, state.startTime > 0, !state.id.isEmpty else { return complain("\(path) names no process") }
        // Left behind by a runtime that was killed, with another process under the number by now: not this container's.
        guard let process = HostProcess(UInt32(state.pid)), process.startTime == state.startTime else { return }
        var message = HookMessage(operation: .add, containerID: state.id)
        message.bundle = state.bundle
        message.rootfs = state.rootfs
        message.annotations = state.annotations
        message.apparmorProfile = state.apparmorProfile
        // The runtime waits in it for its `start`: what runs is still its own program, and not the container's.
        message.hasStarted = !RootOwnedFile.exists("\(directory)/exec.fifo")
        if source == .crun { describe(&message, by: "\(directory)/config.json") }
        insert(message, process, .state, source)
    }

    /// A bundle of containerd's: `init.pid` says whose it is, and not since when.
    private mutating func scanBundle(_ bundle: String, _ id: String, source: ReplaySources) {
        guard let pid = RootOwnedFile.pid("\(bundle)/init.pid") else { return }
        insertBundle(bundle, id, pid, source)
    }

    private mutating func scanStorage(_ directory: String) {
        for id in list(directory) {
            let bundle = "\(directory)/\(id)/userdata"
            guard let pid = RootOwnedFile.pid("\(bundle)/pidfile") else { continue }
            insertBundle(bundle, id, pid, .storage)
        }
    }

    private mutating func insertBundle(_ bundle: String, _ id: String, _ pid: UInt32, _ source: ReplaySources) {
        guard let process = HostProcess(pid), isBorneOut(id, process) else { return }
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.bundle = Array(bundle.utf8)
        message.hasStarted = true
        // podman's is elsewhere, and its conmon names the place.
        if RootOwnedFile.exists("\(bundle)/config.json") { describe(&message, by: "\(bundle)/config.json") }
        insert(message, process, .file, source)
    }

    /// Whether a process is what a file without a start time says: its cgroup has the id in its name, or a monitor of the host is its parent.
    private func isBorneOut(_ id: String, _ process: HostProcess) -> Bool {
        if CgroupName.containerID(in: process.cgroupPath) == id || monitors[process.parent] != nil { return true }
        return process.cgroupPath.split(separator: UInt8(ascii: "/")).contains { Array($0) == Array(id.utf8) }
    }

    // MARK: Processes

    /// A process inside a container can call itself what it likes; one of the host's root cannot be one of those.
    private mutating func noteMonitor(_ pid: UInt32) {
        guard let monitor = MonitorProcess(arguments: HostProcess.arguments(pid)), HostProcess.isRoots(pid),
            HostProcess.namespace(pid, "mnt") == host.mount, HostProcess.namespace(pid, "pid") == host.pid
        else { return }
        monitors[pid] = monitor
    }

    private mutating func scan(_ monitor: MonitorProcess, _ pid: UInt32) {
        switch monitor {
        case .shim:
            guard let bundle = HostProcess.workingDirectory(pid), let slash = bundle.lastIndex(of: "/"), slash != bundle.startIndex else { return }
            let directory = String(bundle[..<slash])
            for name in list(directory) { scanBundle("\(directory)/\(name)", name, source: .shim) }
        case .conmon(let id, let bundle, let pidFile):
            guard let init_ = RootOwnedFile.pid(pidFile) else { return }
            insertBundle(bundle, id, init_, .conmon)
        }
    }

    /// The last resort: the first of the processes whose cgroup is called like a container.
    private mutating func scanCgroup(_ pid: UInt32) {
        guard !findings.contains(pid), let process = HostProcess(pid), let id = CgroupName.containerID(in: process.cgroupPath),
            !findings.contains(id: Array(id.utf8))
        else { return }
        // Its parent is outside, so that it is the container's first one, and no process of a container inside a container.
        guard let parent = HostProcess(process.parent), CgroupName.containerID(in: parent.cgroupPath) == nil else { return }
        var message = HookMessage(operation: .add, containerID: Array(id.utf8))
        message.hasStarted = true
        insert(message, process, .cgroup, .cgroup)
    }

    // MARK: What is found

    /// Fills in what a bundle's configuration says.
    private mutating func describe(_ message: inout HookMessage, by path: String) {
        guard let bytes = read(path) else { return }
        do {
            let config = try BundleConfig.read(ArraySource(bytes))
            message.annotations = config.annotations
            message.apparmorProfile = config.apparmorProfile
            message.argument0 = config.argument0
            message.rootfs = config.rootfs
        } catch { complain("\(path) \(error.reason), at byte \(error.offset)") }
    }

    private mutating func insert(_ found: HookMessage, _ process: HostProcess, _ weight: ReplayFinding.Weight, _ source: ReplaySources) {
        var message = found
        guard process.mountNamespace != host.mount || process.pidNamespace != host.pid else {
            // A cgroup alone says nothing then: the runtime's own processes are in it, too.
            if weight > .cgroup { complain("container \(String(decoding: message.containerID, as: UTF8.self)) is in the host's mount and pid namespaces") }
            return
        }
        message.pid = process.pid
        message.startTime = process.startTime
        message.mountNamespace = process.mountNamespace
        message.pidNamespace = process.pidNamespace
        message.cgroupPath = process.cgroupPath
        message.sources = source.rawValue
        if let store = NameStore(message) { message.setNames(names(of: message, store)) }
        findings.insert(ReplayFinding(weight: weight, message: message))
    }

    /// What podman or Docker calls it, as far as they say.
    private mutating func names(of message: HookMessage, _ store: NameStore) -> StoredNames {
        var names = StoredNames()
        do throws(PortcullisError) {
            switch store {
            case .podman(let lists):
                names = listedNames(lists)[message.containerID] ?? names
                names.labels = try StoredLabels.podman(message.containerID, lists: lists)
            case .docker: names = try StoredLabels.docker(message)
            }
        } catch { complain(error.description) }
        let cut = names.cutLabels()
        if cut > 0 { complain("\(cut) labels of container \(String(decoding: message.containerID, as: UTF8.self)) are left out, the rest has \(StoredNames.labelsLimit) bytes") }
        return names
    }

    private mutating func listedNames(_ directory: [UInt8]) -> [[UInt8]: StoredNames] {
        if let known = podmanNames[directory] { return known }
        var all: [[UInt8]: StoredNames] = [:]
        for file in PodmanStorage.files {
            do throws(PortcullisError) { all.merge(try PodmanLists.all(in: directory, file)) { $1 } } catch { complain(error.description) }
        }
        podmanNames[directory] = all
        return all
    }

    private mutating func list(_ directory: String) -> [String] {
        do { return try RootOwnedFile.names(in: directory).sorted() } catch {
            complain(error.description)
            return []
        }
    }

    private mutating func read(_ path: String) -> [UInt8]? {
        do { return try RootOwnedFile.read(path) } catch {
            // Gone between the listing and now: so is the container.
            if error.systemError != ENOENT { complain(error.description) }
            return nil
        }
    }

    private mutating func complain(_ problem: String) {
        if problems.count < ReplayMark.problemLimit, !problems.contains(problem) { problems.append(problem) }
    }
}
