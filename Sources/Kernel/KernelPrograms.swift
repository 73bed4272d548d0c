import CABI
import CLibBPF
import CObjects
import Core
import Glibc

/// The eBPF side, loaded, pinned and attached: made new, or taken over from an earlier daemon.
///
/// Programs and maps are pinned below one directory for each ABI version. Maps are always taken over; attached programs are
/// taken over if they were built from the same objects, and otherwise replaced one by one, the new attached before the old lets go.
public final class KernelPrograms {
    /// The programs in the order they are attached. Within one tracepoint that is the order they run in: an exec is labelled
    /// before it is reported, an exit reported before it is counted.
    private static let attached: [(object: Part, program: String)] = [
        (.observe, "pc_exit_event"), (.identity, "pc_exit"), (.identity, "pc_exec"), (.observe, "pc_exec_event"),
        (.identity, "pc_fork"), (.identity, "pc_free"), (.identity, "pc_task_free"), (.identity, "pc_task_alloc"),
    ]

    private enum Part { case identity, observe }

    /// A hash that no object has, and not 0, which means that there is none.
    private static let nobodys: UInt64 = 1

    public let variant: Variant
    public let directory: String
    /// True if the programs were running before this daemon came.
    public let adopted: Bool
    /// Settings that what is pinned overrules, for the log.
    public let keptFromPins: [String]
    /// Names of the programs that are attached.
    public let programs: [String]
    let identity: BPFObject
    let observe: BPFObject
    /// Nil where nothing can be enforced; `enforcement` says why.
    let enforce: EnforcementPrograms?
    private let idleEnforcement: EnforcementState
    /// Nil where nothing can be guarded, or is to be; `selfProtection` says why.
    private let guardPrograms: GuardPrograms?
    private let guardProblem: String
    /// Set while an earlier ABI version's programs run beside these.
    private var takeover: Takeover?

    /// What the maps are made with if they are made new: containers, bytes of the event ring, and a label store other than the best.
    public struct Sizes: Sendable {
        public var capacity: Int
        public var eventRing: Int
        public var labelStore: Variant.LabelStore?

        public init(capacity: Int, eventRing: Int, labelStore: Variant.LabelStore? = nil) {
            self.capacity = capacity
            self.eventRing = eventRing
            self.labelStore = labelStore
        }
    }

    /// - Parameter requiresEnforcement: Whoever made this gives up if nothing can be enforced. What an earlier daemon attached goes on then:
    ///   better the old programs and the old sets than nobody who judges.
    public init(directory: String, sizes: Sizes, requiresEnforcement: Bool = false, protectsItself: Bool = false) throws(PortcullisError) {
        self.directory = directory
        LibBPFMessages.install()
        guard KernelFeatures.hasBTF else {
            throw PortcullisError(.kernel, "this kernel has no BTF (/sys/kernel/btf/vmlinux): CONFIG_DEBUG_INFO_BTF is needed")
        }
        let former = try FormerPins.find(beside: directory)
        try BPFFileSystem.prepare(directory)
        try BPFFileSystem.lock(directory)
        if let former { try BPFFileSystem.lock(former.directory) }
        try FormerPins.removeUnfinished(beside: directory)
        if GuardPrograms.isLockedOut(directory) {
            throw PortcullisError(
                .conflict, "\(directory) is guarded by another build of this program: have that one unlock it first (portcullis unlock)")
        }
        var best = Variant.best(capacity: sizes.capacity)
        if let forced = sizes.labelStore {
            best.labelStore = forced
            best.forkByLSM = best.forkByLSM && forced == .tasks
        }
        let identity = try BPFObject(pco_identity(), pinDirectory: directory)
        let links = PinnedLinks(directory: directory)
        let found = try Self.pinnedMeta(directory)
        if let found {
            best.capacity = Int(found.capacity)
            best.labelStore = Variant.LabelStore(rawValue: found.label_store) ?? best.labelStore
            // Where the list of security modules cannot be read, an earlier daemon has found out what this kernel can.
            if KernelFeatures.bpfLSM == .unknown { best.forkByLSM = found.fork_by_lsm != 0 }
            // A label in the hash that task_alloc gave to a fork that then failed would never be cleaned.
            best.forkByLSM = best.forkByLSM && best.labelStore == .tasks
        } else if let former {
            best.capacity = former.capacity
            best.labelStore = former.labelStore
            if KernelFeatures.bpfLSM == .unknown { best.forkByLSM = former.forkByLSM }
            best.forkByLSM = best.forkByLSM && best.labelStore == .tasks
        }
        // A start that was cut off begins anew: what it labelled it counted in slots that are copied again.
        if found == nil, try Self.isUnfinished(directory, links) { try PinDirectory.empty(directory) }
        let variant = best
        let observe = try BPFObject(variant.labelStore == .hash ? pco_observe_reduced() : pco_observe(), pinDirectory: directory)
        let wanted = Self.attached.filter { Self.isUsed($0.program, variant) }
        let same = found.map {
            $0.identity_object == identity.hash && $0.observe_object == observe.hash && ($0.fork_by_lsm != 0) == variant.forkByLSM
        } ?? false
        let kept = same ? wanted.filter { links.isPinned($0.program) } : []

        for object in [identity, observe] {
            try Self.configure(object, variant, sizes)
        }
        for entry in Self.attached where !wanted.contains(where: { $0.program == entry.program }) || kept.contains(where: { $0.program == entry.program }) {
            try (entry.object == .identity ? identity : observe).omit(program: entry.program)
        }
        // First of all: what is made after it is guarded.
        (guardPrograms, guardProblem) = Self.guarding(directory, variant, sizes, isWanted: protectsItself)
        try identity.load()
        try observe.load()
        let metaMap = BPFMap<UInt32, pc_meta>(name: "meta", descriptor: try identity.mapDescriptor("meta"))
        // Whoever comes after a start that was cut off must not take a mixture of programs for its own.
        func unmark(_ change: (inout pc_meta) -> Void) throws(PortcullisError) {
            guard var meta = found else { return }
            change(&meta)
            try metaMap.update(0, meta)
        }
        if let former {
            takeover = try Takeover(former, identity: identity, variant: variant, directory: directory) { object throws(PortcullisError) in
                try Self.configure(object, variant, sizes)
            }
            if found == nil { try takeover?.bringSlots() }
        }
        if kept.count < wanted.count { try unmark { $0.identity_object = Self.nobodys; $0.observe_object = Self.nobodys } }
        for entry in wanted where !kept.contains(where: { $0.program == entry.program }) {
            try links.attach(entry.object == .identity ? identity : observe, entry.program)
        }
        if found == nil { try takeover?.bringLabels() }
        self.identity = identity
        self.observe = observe
        makeTelemetry = { () throws(PortcullisError) in
            try TelemetryPrograms(directory: directory, reduced: variant.labelStore == .hash) { object throws(PortcullisError) in try Self.configure(object, variant, sizes) }
        }
        self.variant = variant
        var overruled: [String] = []
        if variant.capacity != sizes.capacity { overruled.append("capacity stays \(variant.capacity)") }
        if let forced = sizes.labelStore, forced != variant.labelStore { overruled.append("label-store stays \(variant.labelStore)") }
        let ring = Int(bpf_map__max_entries(try identity.map("events")))
        if ring != Self.powerOfTwo(atLeast: sizes.eventRing, minimum: 1 << 16) { overruled.append("event-buffer-kib stays \(ring >> 10)") }
        keptFromPins = overruled
        adopted = !kept.isEmpty
        programs = wanted.map(\.program)
        let object = found?.enforce_object ?? (former?.enforces == true ? Self.nobodys : 0)
        (enforce, idleEnforcement) = try Self.enforcement(
            directory, variant: variant, sizes: sizes, pinned: object, isRequired: requiresEnforcement,
            beginning: { () throws(PortcullisError) in try unmark { $0.identity_object = identity.hash; $0.observe_object = observe.hash; $0.enforce_object = Self.nobodys } })
        counted = (programs + (enforce?.alwaysAttached ?? [])).map { ($0, links.programDescriptor($0)) }.filter { $0.1 >= 0 }
            + (enforce?.nowAndThen ?? []).map { ($0, links.onDemandDescriptor($0)) }.filter { $0.1 >= 0 }
        var meta = pc_meta()
        meta.abi = abiVersion
        meta.capacity = UInt32(variant.capacity)
        meta.label_store = variant.labelStore.rawValue
        meta.fork_by_lsm = variant.forkByLSM ? 1 : 0
        meta.identity_object = identity.hash
        meta.observe_object = observe.hash
        // What was there stays, if it was not touched.
        let left = requiresEnforcement ? try metaMap.lookup(0, zero: pc_meta())?.enforce_object : nil
        meta.enforce_object = enforce?.hash ?? left ?? 0
        (self.meta, wholeMeta) = (metaMap, meta)
        // One that takes over is whole when it serves: until then the earlier version can come back.
        if found != nil || former == nil { try markWhole() }
    }

    private let meta: BPFMap<UInt32, pc_meta>
    private let wholeMeta: pc_meta

    /// From here on these pins are what the next daemon takes over.
    public func markWhole() throws(PortcullisError) { try meta.update(0, wholeMeta) }

    /// Whether a start left programs or slots there, and did not come to its end.
    private static func isUnfinished(_ directory: String, _ links: PinnedLinks) throws(PortcullisError) -> Bool {
        if attached.contains(where: { links.isPinned($0.program) }) { return true }
        guard access("\(directory)/slots", F_OK) == 0 else { return false }
        return try PinnedWords(directory).isInUse
    }

    /// The guard, ready to be locked; or why there is none. On the first start of a build this process executes itself again.
    private static func guarding(_ directory: String, _ variant: Variant, _ sizes: Sizes, isWanted: Bool) -> (GuardPrograms?, String) {
        guard KernelFeatures.bpfLSM == .enabled else { return (nil, "bpf is not among this kernel's security modules") }
        let wasOn = access("\(directory)/guard", F_OK) == 0
        guard isWanted || wasOn else { return (nil, "it is switched off") }
        do throws(PortcullisError) {
            let programs = try GuardPrograms(directory: directory, reduced: variant.labelStore == .hash) { object throws(PortcullisError) in try configure(object, variant, sizes) }
            guard isWanted else {
                try programs.switchOff()
                return (nil, "it is switched off")
            }
            try programs.listOwnFile()
            if !programs.isMarked { GuardPrograms.executeAgain() }
            GuardPrograms.forgetExecution()
            guard programs.isMarked else {
                try programs.switchOff()
                return (nil, "this process has no rights: it is traced, in a container, in namespaces of its own, or under too many seccomp filters")
            }
            return (programs, "")
        } catch { return (nil, error.description) }
    }

    // MARK: An earlier version

    /// The earlier ABI version whose programs run beside these; nil if there is none (any more).
    public var formerVersion: UInt32? { takeover?.former.version }

    /// Whether that version judges a container by policies, or (nil) the host.
    public func hasFormerPolicies(_ reference: SlotReference?) -> Bool { takeover?.former.hasPolicies(reference) ?? false }

    /// Takes the policies of that version from everybody but these slots (nil: the host), which have none here yet.
    public func releaseFormer(except kept: Set<UInt32?>) throws(PortcullisError) { try takeover?.release(except: kept) }

    /// A pause holds there, too.
    func setFormerPaused(_ slot: UInt32?, until: UInt64) {
        guard let former = takeover?.former, slot.map({ Int($0) < former.capacity }) ?? true else { return }
        former.words.setPaused(slot, until: until)
    }

    /// Lets the earlier version go, once everybody has policies here. Returns labels that were moved from it; nil if it stays, because nothing can be enforced
    /// here and it enforces.
    public func letFormerGo() throws(PortcullisError) -> Int? {
        guard let takeover, enforcement.isActive || !takeover.former.enforces else { return nil }
        try takeover.finish()
        self.takeover = nil
        return takeover.moved
    }

    // MARK: Telemetry

    /// Loaded when somebody may be seen with more than execs and exits.
    private var telemetry: TelemetryPrograms?
    private let makeTelemetry: () throws(PortcullisError) -> TelemetryPrograms

    /// Tracepoints that are attached because somebody is to be seen with more than execs and exits.
    public var telemetryAttached: [String] { telemetry?.attached ?? [] }

    /// Whether these kinds of events (`pc_see_flag`) need more programs than those that are always attached.
    public func needsTelemetry(_ visibility: UInt64) -> Bool { visibility & TelemetryPrograms.kinds != 0 }

    /// What this kernel does not let be seen, and why.
    public var telemetryMissing: [String] { telemetry?.missing ?? [] }

    /// Has the kernel check the programs for these kinds of events, which takes a while.
    public func loadTelemetry(for visibility: UInt64) throws(PortcullisError) {
        if telemetry == nil { telemetry = try makeTelemetry() }
        telemetry?.load(for: visibility)
    }

    /// Attaches what these kinds of events need, and detaches the rest.
    public func attachTelemetry(for visibility: UInt64) throws(PortcullisError) {
        if needsTelemetry(visibility) { try loadTelemetry(for: visibility) }
        try telemetry?.attach(for: visibility)
    }

    // MARK: Self-protection

    /// Locks: from here on nobody else may touch what is ours. For when everything is in place.
    public func protectItself() throws(PortcullisError) {
        // Both guards would keep each other's programs out.
        try takeover?.former.stopGuarding()
        try guardPrograms?.lock(also: takeover?.former.directory)
    }

    /// Unlocks until then (nanoseconds since boot), for everybody who is in no container.
    ///
    /// - Throws: `.conflict` if nothing is locked.
    public func unlock(until: UInt64) throws(PortcullisError) {
        guard let guardPrograms else { throw PortcullisError(.conflict, "nothing is locked: \(guardProblem)") }
        try guardPrograms.unlock(until: until)
    }

    /// Whether what is ours is guarded, why not, and until when everybody may touch it.
    public var selfProtection: (isOn: Bool, reason: String, unlockedUntil: UInt64) {
        guard let guardPrograms else { return (false, guardProblem, 0) }
        let now = guardPrograms.now
        return (now.isOn, "", now.unlockedUntil)
    }

    /// Switches off what an earlier daemon guards, for good.
    static func stopGuarding(_ directory: String) throws(PortcullisError) {
        guard !GuardPrograms.isLockedOut(directory) else {
            throw PortcullisError(.conflict, "\(directory) is guarded by another build of this program: have that one unlock it first (portcullis unlock)")
        }
        guard access("\(directory)/guard", F_OK) == 0 else { return }
        // By name: another ABI version's may have it elsewhere.
        try FormerMap("\(directory)/guard").setOnly("on", to: 0)
    }

    /// Unlocks what is guarded where no daemon runs.
    public static func unlock(directory: String, until: UInt64) throws(PortcullisError) {
        guard access("\(directory)/guard", F_OK) == 0 else { throw PortcullisError(.conflict, "nothing is guarded in \(directory)") }
        try FormerMap("\(directory)/guard").setOnly("unlocked_until", to: until)
    }

    /// What is enforced here, or why nothing is.
    public var enforcement: EnforcementState { enforce?.state ?? idleEnforcement }

    /// Hooks that are attached because some set needs them.
    public var hooksOnDemand: [String] { enforce?.onDemandNames ?? [] }

    /// The enforcing programs where this kernel runs LSM programs. Where it does not, nothing is tried: whether bpf is among the
    /// security modules was decided when the machine started.
    private static func enforcement(
        _ directory: String, variant: Variant, sizes: Sizes, pinned: UInt64, isRequired: Bool, beginning: () throws(PortcullisError) -> Void
    ) throws(PortcullisError) -> (EnforcementPrograms?, EnforcementState) {
        var state = EnforcementState()
        switch KernelFeatures.bpfLSM {
        case .enabled: break
        case .notListed(let list):
            state.reason = "bpf is not among this kernel's security modules (\(list)): it must be started with bpf in lsm="
            return (nil, state)
        case .unknown:
            // An earlier daemon enforced here, so this kernel can. To give up now would leave its programs judging by sets that nobody writes.
            if pinned != 0 { break }
            state.reason = "the list of security modules cannot be read: mount securityfs on /sys/kernel/security"
            return (nil, state)
        }
        do throws(PortcullisError) {
            let programs = try EnforcementPrograms(directory: directory, reduced: variant.labelStore == .hash, adopting: { $0 == pinned }, beginning: beginning) { object throws(PortcullisError) in
                try configure(object, variant, sizes)
            }
            return (programs, programs.state)
        } catch {
            state.reason = error.description
            // What an earlier daemon attached would judge by sets that this one cannot write.
            if !isRequired { try EnforcementPrograms.detachAll(directory: directory, capacity: variant.capacity) }
            return (nil, state)
        }
    }

    /// Programs whose pins are gone: each was detached with its pin, or will be with this daemon if a whole file system was unmounted.
    public var missingPins: [String] {
        let links = PinnedLinks(directory: directory)
        return (programs + (enforce?.attachedNow ?? [])).filter { !links.isPinned($0) }
    }

    /// Bytes of kernel memory in maps, policy sets apart.
    public var mapBytes: Int { MapMemory.bytes([identity, observe] + (enforce.map { [$0.object] } ?? [])) }

    /// Programs by their descriptors, opened while this process may still look for them.
    private let counted: [(program: String, descriptor: Int32)]

    /// Runs that the kernel left out, by program; see `PinnedLinks.missedRuns`.
    public var missedRuns: [(program: String, count: UInt64)] {
        counted.map { ($0.program, PinnedLinks.missedRuns($0.descriptor) ?? 0) } + (telemetry?.missedRuns ?? [])
    }

    private static func isUsed(_ program: String, _ variant: Variant) -> Bool {
        switch program {
        case "pc_task_alloc", "pc_task_free": variant.forkByLSM
        case "pc_free": !variant.forkByLSM
        default: true
        }
    }

    static func configure(_ object: BPFObject, _ variant: Variant, _ sizes: Sizes) throws(PortcullisError) {
        try object.setReadOnlyWord(variant.labelStore.rawValue)
        try object.setEntries("identities", variant.capacity)
        try object.setEntries("slots", variant.capacity)
        try object.setEntries("records", variant.capacity * Int(PC_RECORD_CHUNKS))
        // One pending pc_slot_empty (8 bytes and an 8-byte header) for every slot and some CPUs, as the power of two a ring must be.
        try object.setEntries("slots_empty", powerOfTwo(atLeast: variant.capacity * 32, minimum: 1 << 16))
        try object.omit(map: variant.labelStore == .tasks ? "labels_hash" : "labels")
        try object.setEntries("events", try pinnedEntries("events", object) ?? powerOfTwo(atLeast: sizes.eventRing, minimum: 1 << 16))
    }

    /// The size of a map that is pinned already: it stays as it was made.
    private static func pinnedEntries(_ map: String, _ object: BPFObject) throws(PortcullisError) -> Int? {
        guard let path = bpf_map__pin_path(try object.map(map)) else { return nil }
        let descriptor = bpf_obj_get(path)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
        return Int(info.max_entries)
    }

    private static func powerOfTwo(atLeast size: Int, minimum: Int) -> Int {
        var power = minimum
        while power < size { power *= 2 }
        return power
    }

    /// What this version has pinned there; nil if that is nothing, or nothing whole.
    private static func pinnedMeta(_ directory: String) throws(PortcullisError) -> pc_meta? {
        guard let version = try FormerPins.version(in: directory) else { return nil }
        guard version == abiVersion else {
            throw PortcullisError(
                .conflict, "\(directory) holds maps of ABI version \(version), this program has \(abiVersion): rename it to v\(version), and name v\(abiVersion) beside it as bpf-directory")
        }
        let descriptor = bpf_obj_get("\(directory)/meta")
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening \(directory)/meta", errno: -descriptor) }
        defer { close(descriptor) }
        return try BPFMap<UInt32, pc_meta>(name: "meta", descriptor: descriptor).lookup(0, zero: pc_meta())
    }
}
