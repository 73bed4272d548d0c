import CABI

/// Which policy set each container has: sets are compiled once, shared by all containers with the same policies, whole in the kernel
/// before a container is switched to them, and removed when nothing names them any more.
public struct PolicyAssignments<Maps: PolicySetMaps>: ~Copyable {
    /// Sets without a container that are kept for the next one like it; beyond, the oldest go.
    private static var idleLimit: Int { 64 }

    private struct Entry {
        var installed: InstalledPolicySet
        var flags: UInt32
        /// Nil for a set of an earlier daemon's that nothing here was compiled to.
        var compiled: CompiledPolicySet?
        var users: Int
        /// What Block rules name by path.
        var named: [NamedPath] = []
    }

    private let maps: Maps
    private var entries: [UInt32: Entry] = [:]
    private var byDigest: [UInt64: UInt32] = [:]
    /// What makes a set: the policies, by their identities, and the posture of the container's namespace.
    private struct Key: Hashable {
        let identities: [String]
        let posture: Postures
    }

    /// As good as the library that the identities are of.
    private var known: [Key: UInt32] = [:]
    /// The same for the library before: right where the policies themselves are still equal, which spares compiling them again.
    private var former: [Key: UInt32] = [:]
    private var setBySlot: [UInt32: UInt32] = [:]
    private var idle: [UInt32] = []
    private var nextGeneration: UInt32 = 1
    private var nextIndex: UInt32 = 1

    public init(maps: Maps) { self.maps = maps }

    /// Takes note of what an earlier daemon left: sets that slots name stay, others go.
    ///
    /// - Parameter slots: Slots in use.
    public mutating func adopt(slots: [UInt32]) throws(PortcullisError) {
        // Tasks remember by it what they found in a set, also in one that is gone.
        nextGeneration = max(1, maps.lastGeneration &+ 1)
        for installed in try maps.installedSets() {
            entries[installed.index] = Entry(installed: installed, flags: 0, compiled: nil, users: 0)
            byDigest[installed.digest] = installed.index
            nextGeneration = max(nextGeneration, installed.generation &+ 1, 1)
        }
        for slot in slots {
            let word = maps.policyWord(slot)
            let index = PolicyWord.set(word)
            guard index != 0, entries[index] != nil else { continue }
            entries[index]?.flags = PolicyWord.flags(word)
            entries[index]?.users += 1
            setBySlot[slot] = index
        }
        try remove(entries.filter { $0.value.users == 0 }.map(\.key))
    }

    /// The policy word for a container with these policies (sorted by identity); 0 without any. Compiles and installs what is new.
    public mutating func word(for policies: [Policy], posture: Postures) throws(PortcullisError) -> UInt64 {
        guard !policies.isEmpty else { return 0 }
        let key = Key(identities: policies.map(\.identity), posture: posture)
        if let index = known[key], let entry = entries[index] { return try wake(entry) }
        if let index = former[key], let entry = entries[index], entry.compiled?.policies == policies {
            known[key] = index
            return try wake(entry)
        }
        let compiled: CompiledPolicySet
        do { compiled = try PolicySetCompiler.compile(PolicySetInput(policies: policies, posture: posture)) } catch {
            throw PortcullisError(.full, "\(error)")
        }
        let index: UInt32
        do throws(PortcullisError) { index = try install(compiled) } catch {
            // What was attached for a set that did not come about.
            try? settleHooks()
            throw PortcullisError(error.code, "the set of \(Self.list(key.identities)): \(error.message)", errno: error.systemError)
        }
        known[key] = index
        guard let entry = entries[index] else { return 0 }
        return Self.word(entry)
    }

    /// The word of a set that is there already. What slows the whole machine down is not kept for sets that nobody has.
    private func wake(_ entry: Entry) throws(PortcullisError) -> UInt64 {
        if entry.users == 0, entry.flags & Self.costly != 0 { try maps.attachHooks(for: entry.flags | flagsInUse) }
        return Self.word(entry)
    }

    private static var costly: UInt32 { PC_SET_SYSCALLS.rawValue }

    /// The first few, for a message.
    private static func list(_ identities: [String]) -> String {
        identities.prefix(5).joined(separator: ", ") + (identities.count > 5 ? " and \(identities.count - 5) more" : "")
    }

    private mutating func install(_ compiled: CompiledPolicySet) throws(PortcullisError) -> UInt32 {
        if let index = byDigest[compiled.digest], let entry = entries[index], entry.compiled.map({ $0.cells == compiled.cells }) ?? true {
            entries[index]?.compiled = compiled
            entries[index]?.named = compiled.namedPaths()
            entries[index]?.flags = Self.flags(compiled)
            try maps.attachHooks(for: flagsInUse)
            try maps.noteSystemCalls(index, compiled)
            return index
        }
        guard let index = freeIndex() else { throw PortcullisError(.full, "all \(maps.setLimit - 1) policy sets are in use") }
        try maps.attachHooks(for: compiled.flags | flagsInUse)
        try maps.noteSystemCalls(index, compiled)
        try maps.installSet(index, compiled, generation: nextGeneration)
        let installed = InstalledPolicySet(
            index: index, generation: nextGeneration, digest: compiled.digest, pages: compiled.cells.count / Int(PC_PAGE_CELLS))
        nextGeneration = nextGeneration == UInt32.max ? 1 : nextGeneration + 1
        entries[index] = Entry(
            installed: installed, flags: Self.flags(compiled), compiled: compiled, users: 0, named: compiled.namedPaths())
        byDigest[compiled.digest] = index
        idle.append(index)
        return index
    }

    private mutating func freeIndex() -> UInt32? {
        for _ in 1..<maps.setLimit {
            let index = nextIndex
            nextIndex = nextIndex + 1 < maps.setLimit ? nextIndex + 1 : 1
            if entries[index] == nil { return index }
        }
        return nil
    }

    private static func flags(_ compiled: CompiledPolicySet) -> UInt32 {
        compiled.flags | (compiled.namesFiles ? PC_SET_FILES.rawValue : 0)
    }

    private static func word(_ entry: Entry) -> UInt64 {
        PolicyWord.word(set: entry.installed.index, flags: entry.flags, generation: entry.installed.generation)
    }

    /// A container has this word from now on; for a new one it is in its slot already.
    public mutating func assigned(_ word: UInt64, slot: UInt32) {
        let index = PolicyWord.set(word)
        let before = setBySlot[slot] ?? 0
        if index != 0 { entries[index]?.users += 1 }
        setBySlot[slot] = index == 0 ? nil : index
        if before != 0 { leave(before) }
    }

    /// Switches a container to the set for these policies, if that is another than it has.
    ///
    /// - Parameter prepare: Called with the new word before the switch: what only this container needs is made ready there.
    public mutating func assign(
        _ policies: [Policy], posture: Postures, slot: UInt32, prepare: (UInt64, [NamedPath]) -> Void = { _, _ in }
    ) throws(PortcullisError) {
        let word = try word(for: policies, posture: posture)
        // Where no set outlives the daemon, a word that it left may by chance be the one that is wanted now.
        guard maps.policyWord(slot) != word || setBySlot[slot] ?? 0 != PolicyWord.set(word) else { return }
        prepare(word, named(word))
        maps.setPolicyWord(word, slot)
        assigned(word, slot: slot)
    }

    /// The container of a slot is gone. Sets that nobody has had for longest are removed, if there are too many.
    public mutating func freed(slot: UInt32) throws(PortcullisError) {
        let flags = setBySlot[slot].flatMap { index in entries[index]?.flags } ?? 0
        assigned(0, slot: slot)
        if flags & Self.costly != 0 { try settleHooks() }
        while idle.count > Self.idleLimit {
            if entries[idle[0]]?.users == 0 {
                try remove([idle[0]])
                try settleHooks()
            } else {
                idle.removeFirst()
            }
        }
    }

    /// The policies are others now: nothing that was found by their names counts any more.
    public mutating func forgetNames() {
        former = known
        known = [:]
    }

    /// Removes sets that no container has; after a change of policies, when every container was switched.
    public mutating func collect() throws(PortcullisError) {
        try remove(entries.filter { $0.value.users == 0 }.map(\.key))
        try settleHooks()
    }

    private mutating func leave(_ index: UInt32) {
        guard var entry = entries[index] else { return }
        entry.users -= 1
        entries[index] = entry
        guard entry.users == 0 else { return }
        idle.removeAll { $0 == index || entries[$0] == nil }
        idle.append(index)
    }

    private mutating func remove(_ indices: [UInt32]) throws(PortcullisError) {
        try maps.removeSets(indices)
        for index in indices {
            guard let entry = entries.removeValue(forKey: index) else { continue }
            if byDigest[entry.installed.digest] == index { byDigest[entry.installed.digest] = nil }
        }
        known = known.filter { !indices.contains($0.value) }
        former = former.filter { !indices.contains($0.value) }
        idle.removeAll(where: indices.contains)
    }

    private var flagsInUse: UInt32 { entries.values.reduce(0) { $0 | ($1.users > 0 ? $1.flags : $1.flags & ~Self.costly) } }

    private func settleHooks() throws(PortcullisError) { try maps.attachHooks(for: flagsInUse) }

    // MARK: What there is

    /// The set that an alert speaks of; nil if it is gone, or an earlier daemon's and not compiled here.
    public func compiled(_ index: UInt32, generation: UInt32) -> CompiledPolicySet? {
        guard let entry = entries[index], entry.installed.generation == generation else { return nil }
        return entry.compiled
    }

    /// What the Block rules of a word's set name by path.
    public func named(_ word: UInt64) -> [NamedPath] { entries[PolicyWord.set(word)]?.named ?? [] }

    public func compiled(slot: UInt32) -> CompiledPolicySet? { setBySlot[slot].flatMap { entries[$0]?.compiled } }

    public var setCount: Int { entries.count }

    /// Bytes of kernel memory that the sets' images take.
    public var bytes: Int { entries.values.reduce(0) { $0 + $1.installed.pages * Int(PC_PAGE_CELLS) * 8 } }
}
