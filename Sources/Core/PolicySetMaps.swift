/// A set that is in the kernel.
public struct InstalledPolicySet: Equatable, Sendable {
    public var index: UInt32
    public var generation: UInt32
    public var digest: UInt64
    /// Of PC_PAGE_CELLS cells each.
    public var pages: Int

    public init(index: UInt32, generation: UInt32, digest: UInt64, pages: Int) {
        self.index = index
        self.generation = generation
        self.digest = digest
        self.pages = pages
    }
}

/// What policy assignment needs of the kernel. `Kernel` implements it with eBPF maps, the tests in memory.
public protocol PolicySetMaps: AnyObject {
    /// Sets there may be; indices go from 1 up to, not including, this.
    var setLimit: UInt32 { get }
    /// The last generation that was given out, by this daemon or one before; 0 if none was.
    var lastGeneration: UInt32 { get }
    /// Puts a whole set at an index that no policy word names.
    func installSet(_ index: UInt32, _ compiled: CompiledPolicySet, generation: UInt32) throws(PortcullisError)
    /// Has the kernel know which system calls a set's rules list, before a word names it.
    func noteSystemCalls(_ index: UInt32, _ compiled: CompiledPolicySet) throws(PortcullisError)
    /// Removes sets that no policy word names any more, when no verdict is under way that read such a word before.
    func removeSets(_ indices: [UInt32]) throws(PortcullisError)
    func installedSets() throws(PortcullisError) -> [InstalledPolicySet]
    /// PC_SLOT_HOST is the host itself.
    func policyWord(_ slot: UInt32) -> UInt64
    /// One store: a verdict sees the old word or the new one.
    func setPolicyWord(_ word: UInt64, _ slot: UInt32)
    /// Attaches the hooks that only sets with certain flags (`pc_set_flag`) need, and lets go of those that these flags do not.
    func attachHooks(for flags: UInt32) throws(PortcullisError)
}
