/// What the registry needs of the kernel: processes, slots, keys, labels and records. `Kernel` implements it with eBPF maps,
/// the tests in memory.
///
/// Every mutating call is one map write: the registry decides their order, because that order is what survives a crash.
public protocol KernelMaps: AnyObject {
    /// Slots there are, from 0.
    var capacity: Int { get }
    /// The keys that no container may have: the host's and the daemon's own.
    var hostKeys: Set<NamespaceKey> { get }

    /// A descriptor that names this process for as long as it is open (a pidfd).
    func openProcess(_ pid: UInt32) throws(PortcullisError) -> Int32
    /// What the kernel says of the process now; nil if it has ended or is ending.
    func identify(_ descriptor: Int32, pid: UInt32) throws(PortcullisError) -> ProcessIdentity?
    /// True once the process has ended, zombies included.
    func hasEnded(_ descriptor: Int32) -> Bool
    func closeProcess(_ descriptor: Int32)

    func slot(_ index: UInt32) -> SlotContent
    /// Takes a free slot into use with one task counted: the init, which is labelled next. Its policy word and what is seen of it are in force with it.
    ///
    /// - Parameter root: The dentry that is the container's root, as far as it is known already; else 0.
    func activate(_ reference: SlotReference, mountSequence: UInt64, policy: UInt64, visibility: UInt64, root: UInt64)
    func setState(_ state: SlotState, of reference: SlotReference)
    /// Counts a slot's init, for one that was copied with nobody counted and whose init had no label to move.
    func countInit(of reference: SlotReference)

    /// The slot that a key leads to; nil if none.
    func identity(_ key: NamespaceKey) throws(PortcullisError) -> SlotReference?
    func setIdentity(_ key: NamespaceKey, _ reference: SlotReference, mountSequence: UInt64) throws(PortcullisError)
    func removeIdentity(_ key: NamespaceKey) throws(PortcullisError)
    func identities() throws(PortcullisError) -> [(key: NamespaceKey, reference: SlotReference)]

    /// The label of the process's main task; nil if it has none.
    func label(_ descriptor: Int32, _ process: ProcessIdentity) throws(PortcullisError) -> SlotReference?
    /// Labels the main task. The count of a label that is replaced goes down.
    func setLabel(_ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference, stage: LabelStage) throws(PortcullisError)
    /// Ends the setup of a labelled init that runs its own program already, if no exec has ended it; its root is the container's.
    func endSetup(_ descriptor: Int32, _ process: ProcessIdentity, _ reference: SlotReference) throws(PortcullisError)
    /// How many living tasks carry each label; for what was found pinned.
    func countLabels() throws(PortcullisError) -> [SlotReference: Int]

    func setRecord(_ reference: SlotReference, _ bytes: [UInt8]) throws(PortcullisError)
    /// The record of exactly this use of the slot; nil if there is none or it is incomplete.
    func record(_ reference: SlotReference) throws(PortcullisError) -> [UInt8]?
    func removeRecord(_ slot: UInt32) throws(PortcullisError)
    /// Removes every record, whole or not, of slots that are not in use.
    func removeRecords(unless inUse: (UInt32) -> Bool) throws(PortcullisError)
}
