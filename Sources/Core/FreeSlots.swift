/// The slots without a container, longest unused first: a late look at a slot should meet its old generation, not a new owner.
struct FreeSlots {
    private var slots: [UInt32]
    private var head = 0

    init(capacity: Int) { slots = Array(0..<UInt32(capacity)) }

    var isEmpty: Bool { head >= slots.count }

    mutating func take() -> UInt32? {
        guard head < slots.count else { return nil }
        let slot = slots[head]
        head += 1
        if head > 1024, head * 2 > slots.count {
            slots.removeFirst(head)
            head = 0
        }
        return slot
    }

    mutating func giveBack(_ slot: UInt32) { slots.append(slot) }

    mutating func remove(_ slot: UInt32) {
        if let index = slots[head...].firstIndex(of: slot) { slots.remove(at: index) }
    }
}

/// The last containers that were freed, so that an event read after the end of its container still has a name.
struct RecentContainers {
    /// Containers remembered; beyond it the oldest is forgotten and its events name only slot and generation.
    static let limit = 256

    private var containers: [Container] = []
    private var next = 0

    mutating func insert(_ container: Container) {
        if containers.count < Self.limit {
            containers.append(container)
        } else {
            containers[next] = container
            next = (next + 1) % Self.limit
        }
    }

    func find(_ reference: SlotReference) -> Container? { containers.last { $0.reference == reference } }
}
