import CABI
import CLibBPF
import CObjects
import Core
import Glibc

/// What this kernel can enforce, and does.
public struct EnforcementState: Sendable {
    /// True: verdicts fall before the act. False: nothing is denied.
    public var isActive = false
    /// Why not; empty if it is active.
    public var reason = ""
    /// LSM hooks with a program attached.
    public var hooks: [String] = []
    /// Hooks that would be used and that this kernel does not have.
    public var missing: [String] = []
    /// True: the variant for 5.10, with shorter paths.
    public var isReduced = false
}

/// The enforcing programs: loaded where the kernel runs LSM programs, each hook only where this kernel has it.
final class EnforcementPrograms {
    /// Program and LSM hook. The exec and open hooks are what enforcement means: without them there is none.
    private static let hooks: [(program: String, hook: String, isEssential: Bool)] = [
        ("pc_bprm_committed", "bprm_committed_creds", true), ("pc_bprm_check", "bprm_check_security", true),
        ("pc_file_open", "file_open", true), ("pc_file_receive", "file_receive", false), ("pc_mmap_file", "mmap_file", true),
        ("pc_file_mprotect", "file_mprotect", false), ("pc_path_truncate", "path_truncate", false),
        ("pc_file_truncate", "file_truncate", false), ("pc_path_unlink", "path_unlink", false), ("pc_path_rmdir", "path_rmdir", false),
        ("pc_path_mkdir", "path_mkdir", false), ("pc_path_mknod", "path_mknod", false), ("pc_path_symlink", "path_symlink", false),
        ("pc_path_link", "path_link", false), ("pc_path_rename", "path_rename", false), ("pc_path_chmod", "path_chmod", false),
        ("pc_path_chown", "path_chown", false), ("pc_sb_mount", "sb_mount", false), ("pc_move_mount", "move_mount", false),
        ("pc_sb_umount", "sb_umount", false), ("pc_sb_pivotroot", "sb_pivotroot", false),
    ]
    /// Called for all that the machine does (each read(2) and write(2), each capability asked for), so attached only while a set is marked with the flag.
    private static let onDemand: [(flags: pc_set_flag, program: String, hook: String)] = [
        (PC_SET_READ_ONLY, "pc_file_permission", "file_permission"),
        (PC_SET_NETWORK, "pc_socket_create", "socket_create"), (PC_SET_NETWORK, "pc_socket_connect", "socket_connect"),
        (PC_SET_NETWORK, "pc_socket_bind", "socket_bind"), (PC_SET_NETWORK, "pc_socket_listen", "socket_listen"),
        (PC_SET_NETWORK, "pc_socket_accept", "socket_accept"), (pc_set_flag(PC_SET_NETWORK.rawValue | PC_SET_DNS.rawValue), "pc_socket_sendmsg", "socket_sendmsg"),
        (PC_SET_CAPABILITIES, "pc_capable", "capable"),
    ]

    /// Every hook, and whether this kernel has it. Needs BTF.
    static var presentHooks: [MachineFacts.Hook] {
        let kernel = KernelHooks()
        return (hooks.map { ($0.hook, $0.isEssential) } + onDemand.map { ($0.hook, false) }).map { hook, isEssential in
            MachineFacts.Hook(name: hook, isEssential: isEssential, isPresent: kernel.has(hook))
        }
    }

    /// Has the kernel check every program, attaches none and lets them go. Nil if it takes them, else its reason.
    static func trial() -> String? {
        do throws(PortcullisError) {
            let objects = [try BPFObject(pco_enforce(), pinDirectory: BPFFileSystem.usualPath), try BPFObject(pco_judge(), pinDirectory: BPFFileSystem.usualPath)]
            // Where the labels live changes what programs and maps are needed, not whether the kernel runs LSM programs.
            let variant = Variant(labelStore: .tasks, forkByLSM: true, capacity: 16)
            for object in objects {
                try object.unpinMaps()
                try KernelPrograms.configure(object, variant, .init(capacity: 16, eventRing: 1 << 16))
            }
            for hook in presentHooks where !hook.isPresent {
                let programs = hooks.map { ($0.program, $0.hook) } + onDemand.map { ($0.program, $0.hook) }
                if let entry = programs.first(where: { $0.1 == hook.name }) { try objects[0].omit(program: entry.0) }
            }
            try objects[0].load()
            try objects[1].aim(
                program: JudgeLinks.program, at: JudgeLinks.function, of: objects[0].descriptor(ofProgram: hooks[0].program))
            try objects[1].load()
            return nil
        } catch { return error.description }
    }

    /// The hooks' programs.
    let object: BPFObject
    /// What is linked into them.
    let judge: BPFObject
    /// Whether what is pinned was built from the same objects as these.
    let hash: UInt64
    private let links: PinnedLinks
    private let judges: JudgeLinks
    private(set) var state = EnforcementState()
    /// Hooks of `onDemand` that are attached.
    private(set) var attachedOnDemand: Set<String> = []
    /// Loaded while some set has rules about system calls.
    private var systemCalls: SyscallPrograms?
    private let makeSystemCalls: () throws(PortcullisError) -> SyscallPrograms

    /// - Parameters:
    ///   - adopting: The pinned programs were built from the same objects: they stay.
    ///   - beginning: Called before the first of what is pinned is replaced.
    ///   - configure: Sets sizes and read-only data before the load.
    init(
        directory: String, reduced: Bool, adopting: (UInt64) -> Bool, beginning: () throws(PortcullisError) -> Void,
        configure: @escaping (BPFObject) throws(PortcullisError) -> Void
    ) throws(PortcullisError) {
        makeSystemCalls = { () throws(PortcullisError) in try SyscallPrograms(directory: directory, reduced: reduced, configure: configure) }
        links = PinnedLinks(directory: directory)
        judges = JudgeLinks(directory: directory)
        object = try BPFObject(reduced ? pco_enforce_reduced() : pco_enforce(), pinDirectory: directory)
        judge = try BPFObject(reduced ? pco_judge_reduced() : pco_judge(), pinDirectory: directory)
        hash = object.hash &* 31 &+ judge.hash
        try configure(object)
        let adopts = adopting(hash)
        let kernel = KernelHooks()
        var attached: [String] = []
        var loaded: [String] = []
        state.isReduced = reduced
        for entry in Self.hooks {
            guard object.has(program: entry.program) else {
                state.missing.append(entry.hook)
                continue
            }
            guard kernel.has(entry.hook) else {
                guard !entry.isEssential else { throw PortcullisError(.kernel, "this kernel has no LSM hook \(entry.hook)") }
                state.missing.append(entry.hook)
                try object.omit(program: entry.program)
                continue
            }
            state.hooks.append(entry.hook)
            if adopts, links.isPinned(entry.program), judges.isPinned(entry.program) {
                try object.omit(program: entry.program)
            } else {
                attached.append(entry.program)
            }
        }
        for entry in Self.onDemand {
            guard kernel.has(entry.hook) else {
                state.missing.append(entry.hook)
                try object.omit(program: entry.program)
                continue
            }
            if links.isPinned(entry.program) { attachedOnDemand.insert(entry.hook) }
            if adopts, links.isPinned(asProgram: entry.program), judges.isPinned(entry.program) {
                try object.omit(program: entry.program)
            } else {
                loaded.append(entry.program)
            }
        }
        try object.load()
        loaded += attached
        if !loaded.isEmpty { try begin(loaded, attached, beginning, configure) }
        state.isActive = true
    }

    /// Gives the loaded programs their judge, and only then attaches them. What they replace keeps its own judge until nobody runs it any more.
    private func begin(
        _ loaded: [String], _ attached: [String], _ beginning: () throws(PortcullisError) -> Void,
        _ configure: (BPFObject) throws(PortcullisError) -> Void
    ) throws(PortcullisError) {
        try configure(judge)
        try judge.share(map: "scratches", of: object)
        try judge.aim(program: JudgeLinks.program, at: JudgeLinks.function, of: object.descriptor(ofProgram: loaded[0]))
        try judge.load()
        var kept: [(program: String, number: Int)] = []
        var inUse: Set<String> = []
        do throws(PortcullisError) {
            for program in loaded { kept.append((program, try judges.link(judge, into: object, program))) }
            try beginning()
            for program in attached {
                try links.attach(object, program)
                inUse.insert(program)
            }
            for entry in Self.onDemand where loaded.contains(entry.program) {
                try links.pin(object, program: entry.program)
                inUse.insert(entry.program)
                if attachedOnDemand.contains(entry.hook) { try links.attach(pinned: entry.program) }
            }
        } catch {
            // Else each start that fails would leave some.
            for (program, number) in kept where !inUse.contains(program) { judges.forget(program, number) }
            throw error
        }
        try GracePeriod().wait()
        for (program, number) in kept { try judges.settle(program, keeping: number) }
    }

    var alwaysAttached: [String] { Self.hooks.filter { state.hooks.contains($0.hook) }.map(\.program) }
    var attachedNow: [String] { alwaysAttached + Self.onDemand.filter { attachedOnDemand.contains($0.hook) }.map(\.program) }
    var nowAndThen: [String] { Self.onDemand.filter { !state.missing.contains($0.hook) }.map(\.program) }

    /// Attaches the hooks that sets with these flags need, and detaches those that none of them needs. Attach before the first such set is switched to,
    /// detach after the last.
    func attachHooks(for flags: UInt32) throws(PortcullisError) {
        if flags & PC_SET_SYSCALLS.rawValue != 0 {
            if let systemCalls { try systemCalls.attachEnds() } else { systemCalls = try makeSystemCalls() }
        } else if systemCalls?.detach() == false {
            systemCalls = nil
        }
        for entry in Self.onDemand where !state.missing.contains(entry.hook) {
            let isWanted = flags & entry.flags.rawValue != 0
            // Up to 5.12 the kernel attaches a program only once (bpf_tracing_prog_attach: ENOENT): there it stays.
            guard isWanted != attachedOnDemand.contains(entry.hook), isWanted || !state.isReduced else { continue }
            if isWanted {
                try links.attach(pinned: entry.program)
                attachedOnDemand.insert(entry.hook)
            } else {
                try links.detach(entry.program)
                attachedOnDemand.remove(entry.hook)
            }
        }
    }

    /// Also sees calls that never return.
    func attachEndlessCalls() throws(PortcullisError) { try systemCalls?.attachEndless() }

    /// Hooks and tracepoints that are attached because some set needs them, sorted.
    var onDemandNames: [String] { (attachedOnDemand + (systemCalls?.attached ?? [])).sorted() }

    /// Removes what an earlier daemon attached; for a start that cannot enforce. The kernel detaches programs in its own time, and one whose judge has gone
    /// refuses whatever it is asked: so first nobody is asked about any more.
    static func detachAll(directory: String, capacity: Int) throws(PortcullisError) {
        let links = PinnedLinks(directory: directory)
        let judges = JudgeLinks(directory: directory)
        let programs = hooks.map(\.program) + onDemand.map(\.program)
        guard programs.contains(where: { links.isPinned($0) || judges.isPinned($0) }) else { return }
        let slots = bpf_obj_get("\(directory)/slots")
        guard slots >= 0 else { throw PortcullisError(.kernel, "opening \(directory)/slots", errno: -slots) }
        defer { close(slots) }
        let words = try MappedArray<pc_slot>(slots, count: capacity, name: "slots")
        for index in 0..<capacity { words.elements[index].policy = PolicyWord.withoutFlags(words.elements[index].policy) }
        let switches = bpf_obj_get("\(directory)/switches")
        guard switches >= 0 else { throw PortcullisError(.kernel, "opening \(directory)/switches", errno: -switches) }
        defer { close(switches) }
        let host = try MappedArray<pc_switches>(switches, count: 1, name: "switches")
        withExtendedLifetime(host) { host.elements[0].host_policy = 0 }
        try GracePeriod().wait()
        for program in programs { try links.detach(program) }
        for entry in onDemand { try links.unpin(program: entry.program) }
        for program in programs { try judges.settle(program, keeping: nil) }
    }
}
