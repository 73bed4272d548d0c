import CABI
import CLinux
import Core

/// What the programs of a pin directory read at each verdict, of whichever ABI version: the words of slots and host, mapped, and found by their names.
final class PinnedWords {
    private let slots: FormerMap
    private let slotBytes: MappedArray<UInt8>
    private let switchBytes: MappedArray<UInt8>
    private let policy, state, pausedUntil, hostPolicy, hostPausedUntil: pc_member

    init(_ directory: String) throws(PortcullisError) {
        slots = try FormerMap("\(directory)/slots")
        let switches = try FormerMap("\(directory)/switches")
        slotBytes = try MappedArray(slots.descriptor, count: slots.entries * Self.stride(slots), name: slots.path)
        switchBytes = try MappedArray(switches.descriptor, count: switches.valueBytes, name: switches.path)
        (policy, state, pausedUntil) = (try Self.word("policy", slots), try Self.word("state", slots), try Self.word("paused_until", slots))
        (hostPolicy, hostPausedUntil) = (try Self.word("host_policy", switches), try Self.word("host_paused_until", switches))
    }

    /// An array's elements are 8 bytes apart, or a multiple of it.
    private static func stride(_ map: FormerMap) -> Int { (map.valueBytes + 7) / 8 * 8 }

    private static func word(_ name: String, _ map: FormerMap) throws(PortcullisError) -> pc_member {
        let member = try map.number(name)
        guard member.size == 8 else { throw PortcullisError(.conflict, "\(map.path): \(name) is no word: this version does not know how to take it over") }
        return member
    }

    var capacity: Int { slots.entries }

    private func load(_ bytes: MappedArray<UInt8>, _ at: Int) -> UInt64 {
        withExtendedLifetime(bytes) { pointer(bytes, at).map { pcl_load($0) } ?? 0 }
    }

    private func store(_ bytes: MappedArray<UInt8>, _ at: Int, _ value: UInt64) {
        withExtendedLifetime(bytes) { if let pointer = pointer(bytes, at) { pcl_store(pointer, value) } }
    }

    private func pointer(_ bytes: MappedArray<UInt8>, _ at: Int) -> UnsafeMutablePointer<UInt64>? {
        guard at >= 0, at + 8 <= bytes.elements.count, let base = bytes.elements.baseAddress else { return nil }
        return UnsafeMutableRawPointer(base + at).assumingMemoryBound(to: UInt64.self)
    }

    private func at(_ slot: UInt32, _ member: pc_member) -> Int { Int(slot) * Self.stride(slots) + Int(member.at) }

    // MARK: Slots, and the host (nil)

    func policy(_ slot: UInt32?) -> UInt64 {
        if let slot { load(slotBytes, at(slot, policy)) } else { load(switchBytes, Int(hostPolicy.at)) }
    }

    func setPolicy(_ word: UInt64, _ slot: UInt32?) {
        if let slot { store(slotBytes, at(slot, policy), word) } else { store(switchBytes, Int(hostPolicy.at), word) }
    }

    func setPaused(_ slot: UInt32?, until: UInt64) {
        if let slot { store(slotBytes, at(slot, pausedUntil), until) } else { store(switchBytes, Int(hostPausedUntil.at), until) }
    }

    func generation(_ slot: UInt32) -> UInt32 { UInt32(load(slotBytes, at(slot, state)) >> 32) }

    /// Whether any slot was ever in use.
    var isInUse: Bool { (0..<UInt32(capacity)).contains { load(slotBytes, at($0, state)) != 0 } }

    /// Takes the policies from everybody, so that no program whose judge goes is asked about any more.
    func dropPolicies() {
        for slot in 0..<UInt32(capacity) { setPolicy(0, slot) }
        setPolicy(0, nil)
    }
}
