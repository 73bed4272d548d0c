import CABI
import Core
import Glibc
import HookWire
import Kernel
import Logging

/// The policies in force and which container has which: the library, the directory it is fed from, and the sets in the kernel.
final class PolicyService {
    private let kernel: PinnedMaps
    let logger: Logger
    var library: PolicyLibrary
    private var assignments: PolicyAssignments<PinnedMaps>
    /// Read again with the configuration, after which the containers are switched.
    private(set) var postures: PostureSettings
    private(set) var hostPostures: Postures
    private(set) var node: NodeLabels
    private let programsEnforce: Bool
    let directory: PolicyDirectory
    let store: AppliedPolicyStore
    /// By slot, containers that kept the set they had because theirs could not be made.
    private(set) var stuck: [UInt32: String] = [:]
    /// By slot, until policies or containers change; nil for a container without rules about processes.
    private var observers: [UInt32: ExecObserver?] = [:]
    /// What the log has said already.
    private var toldProblems: Set<String> = []
    /// Times that containers were switched after a change of policies.
    private(set) var changes: UInt64 = 0

    init(kernel: PinnedMaps, enforces: Bool, configuration: ConfigurationFile, logger: Logger) {
        programsEnforce = enforces
        self.kernel = kernel
        postures = configuration.postureSettings
        hostPostures = configuration.current.hostPostures
        node = HostEssentials.node(configuration.current)
        library = PolicyLibrary(posture: postures.general, node: node, hazard: HostHazard(HostEssentials.find(configuration), posture: hostPostures))
        self.logger = logger
        directory = PolicyDirectory(configuration.current.policyDirectory)
        store = AppliedPolicyStore(path: configuration.current.appliedPolicyDirectory)
        assignments = PolicyAssignments(maps: kernel)
    }

    /// Takes note of settings that were read again; whoever calls this reads the directory then, which switches the containers and the host.
    func update(_ configuration: ConfigurationFile) {
        postures = configuration.postureSettings
        hostPostures = configuration.current.hostPostures
        node = HostEssentials.node(configuration.current)
        // What was refused for this machine as it was may be taken now.
        if library.update(node: node, hostPosture: hostPostures) { directory.forget() }
    }

    /// Takes over what an earlier daemon's containers have and reads all policies, applied and of files; only then are containers switched,
    /// so that none is for a moment without a policy that it had and still has.
    func start(_ containers: [Container], _ poller: Poller) throws(PortcullisError) {
        try assignments.adopt(slots: containers.map(\.reference.slot) + [Self.host])
        do { try directory.watch(poller) } catch {
            logger.warning("policy files are read at the start and on SIGHUP only: \(error)")
        }
        library.restore(try store.read())
        readDirectory(containers)
        for container in containers where container.state == .running {
            let slot = container.reference.slot, word = kernel.policyWord(slot)
            noteFiles(assignments.named(word), word, slot, pid: container.process.pid, rootfs: nil)
        }
        let word = kernel.policyWord(Self.host)
        noteFiles(assignments.named(word), word, Self.host, pid: 1, rootfs: nil)
        attempt("forgetting files") { () throws(PortcullisError) in try kernel.files.clear() }
    }

    /// What stands for the processes that are in no container.
    static let host = PC_SLOT_HOST.magnitude

    // MARK: Containers

    /// The policy word for a container that is about to be registered; `body` is its message as it came, annotations and all.
    func word(for body: ArraySlice<UInt8>) throws(PortcullisError) -> UInt64 {
        guard !library.policies.isEmpty else { return 0 }
        let message: HookMessage
        do { message = try HookMessage(decoding: body) } catch { throw PortcullisError(.peer, "reading the message again: \(error.reason)") }
        let labels = ContainerLabels(message)
        return try assignments.word(for: library.selected(for: labels), posture: postures.postures(in: labels.namespace))
    }

    /// A container was registered with the word that it has; its hook still waits, unless `isStarted`.
    func registered(_ reference: SlotReference, _ message: HookMessage, isStarted: Bool) {
        let word = kernel.policyWord(reference.slot)
        assignments.assigned(word, slot: reference.slot)
        noteFiles(assignments.named(word), word, reference.slot, pid: message.pid, rootfs: isStarted ? nil : Self.rootfs(message))
    }

    func freed(_ slot: UInt32) {
        stuck[slot] = nil
        observers[slot] = nil
        attempt("giving a policy set back") { () throws(PortcullisError) in
            try kernel.files.forget(slot: slot)
            try assignments.freed(slot: slot)
        }
    }

    /// Where the runtime puts the container's root together (config.json: relative to the bundle, if it is not absolute); nil if unsaid.
    private static func rootfs(_ message: HookMessage) -> String? {
        guard !message.rootfs.isEmpty else { return nil }
        let path = String(decoding: message.rootfs, as: UTF8.self)
        return path.hasPrefix("/") ? path : String(decoding: message.bundle, as: UTF8.self) + "/" + path
    }

    /// Has the kernel know the files behind named paths. In setup all of the container's mounts may be crossed; later only its root file
    /// system is looked at, because a file system that the container serves itself could keep this daemon waiting for ever.
    private func noteFiles(_ paths: [NamedPath], _ word: UInt64, _ slot: UInt32, pid: UInt32, rootfs: String?) {
        guard !paths.isEmpty, programsEnforce else { return }
        let leftOut = kernel.files.leftOut
        do throws(PortcullisError) {
            try kernel.files.note(
                paths, process: pid, rootfs: rootfs, slot: slot, setGeneration: UInt32(word >> 32), crossesMounts: rootfs != nil)
            guard kernel.files.leftOut > leftOut else { return }
            logger.warning("files are known by their paths alone in slot \(slot): \(kernel.files.leftOut - leftOut) of them, as the table is full")
        } catch {
            logger.warning("files are known by their paths alone in slot \(slot): \(error)")
        }
    }

    // MARK: Policies

    /// Reads what changed in the directory and switches the containers.
    func readDirectory(_ containers: [Container]) {
        let contents = directory.read()
        for case (let name, .failure(let error)) in contents { library.update(file: name, unreadable: error.description) }
        let change = library.update(contents.compactMap { name, content in
            if case .success(let text) = content { (name, text) } else { nil }
        })
        let held = Set(library.heldBack.map(\.description)), problems = library.problems.map(\.description)
        for problem in problems where !toldProblems.contains(problem) {
            logger.error("\(held.contains(problem) ? "a policy is not in force" : "a policy is wrong; what was in force stays so"): \(problem)")
        }
        toldProblems = Set(problems)
        apply(change, containers)
        // At the start of a machine there is nobody yet that could be selected.
        guard !containers.isEmpty else { return }
        let new = (change.added + change.changed).compactMap { library.policy($0) }
        for note in notes(on: new, containers).prefix(Self.noteLimit) { logger.info("\(note)") }
    }

    /// Policies that select nothing and are spoken of at once.
    private static let noteLimit = 20

    /// Switches every container to the set that the library says, each by one store.
    func apply(_ change: PolicyChange, _ containers: [Container]) {
        assignments.forgetNames()
        observers = [:]
        changes += 1
        for container in containers
        where container.state == .running || kernel.policyWord(container.reference.slot) != 0 || kernel.hasFormerPolicies(container.reference) {
            assign(container)
        }
        assignHost()
        attempt("removing policy sets") { () throws(PortcullisError) in try assignments.collect() }
        guard !change.isEmpty else { return }
        logger.info(
            "policies changed",
            metadata: ["added": "\(change.added)", "changed": "\(change.changed)", "removed": "\(change.removed)", "sets": "\(assignments.setCount)"])
    }

    /// What is known of a container is more than it was.
    func update(_ container: Container) {
        observers[container.reference.slot] = nil
        assign(container)
    }

    private func assign(_ container: Container) {
        let slot = container.reference.slot
        guard let message = try? HookMessage(decoding: container.message[...]) else {
            if kernel.hasFormerPolicies(container.reference) { stuck[slot] = "no record of it is left, so its policies cannot be chosen anew" }
            return
        }
        // What is kept of its message lacks labels that its policies may have been chosen by: better the old policies than none.
        if message.annotationsCut > 0, kernel.policyWord(slot) != 0 || kernel.hasFormerPolicies(container.reference) {
            stuck[slot] = "\(message.annotationsCut) of its annotations are not kept, so its policies cannot be chosen anew"
            return
        }
        do throws(PortcullisError) {
            let labels = ContainerLabels(message)
            try assignments.assign(library.selected(for: labels), posture: postures.postures(in: labels.namespace), slot: slot) { word, paths in
                guard container.state == .running else { return }
                noteFiles(paths, word, slot, pid: message.pid, rootfs: kernel.isRootKnown(slot) ? nil : Self.rootfs(message))
            }
            stuck[slot] = nil
        } catch {
            stuck[slot] = error.description
            logger.error("a container keeps the policies that it had: \(error)", metadata: ["container": "\(container.name)"])
            return
        }
        attempt("forgetting files") { () throws(PortcullisError) in
            try kernel.files.forget(slot: slot, except: UInt32(kernel.policyWord(slot) >> 32))
        }
    }

    private func assignHost() {
        do throws(PortcullisError) {
            try assignments.assign(library.selected(for: node), posture: hostPostures, slot: Self.host) { word, paths in
                noteFiles(paths, word, Self.host, pid: 1, rootfs: nil)
            }
            stuck[Self.host] = nil
        } catch {
            stuck[Self.host] = error.description
            logger.error("the host keeps the policies that it had: \(error)")
            return
        }
        attempt("forgetting files") { () throws(PortcullisError) in
            try kernel.files.forget(slot: Self.host, except: UInt32(kernel.policyWord(Self.host) >> 32))
        }
    }

    private func attempt(_ action: String, _ body: () throws(PortcullisError) -> Void) {
        do throws(PortcullisError) { try body() } catch { logger.error("\(action): \(error)") }
    }

    // MARK: What there is

    func set(of alert: Alert) -> CompiledPolicySet? { assignments.compiled(alert.header.set, generation: alert.header.set_generation) }

    func compiled(slot: UInt32) -> CompiledPolicySet? { assignments.compiled(slot: slot) }

    func observer(ofSlot slot: UInt32) -> ExecObserver? {
        if let known = observers[slot] { return known }
        let observer = assignments.compiled(slot: slot).flatMap { ExecObserver($0) }
        observers[slot] = .some(observer)
        return observer
    }

    func policies(ofSlot slot: UInt32) -> [Policy] { assignments.compiled(slot: slot)?.policies ?? [] }

    /// Those in force for the processes that are in no container.
    var hostPolicies: [Policy] { policies(ofSlot: Self.host) }

    var setCount: Int { assignments.setCount }
    var setBytes: Int { assignments.bytes }
}
