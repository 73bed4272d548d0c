import CABI
import Core

/// Gives labels to the tasks that a container had before it was registered: to its threads and descendants, to what is in its namespaces, and to what is in
/// its cgroup. All containers at once, in a few looks at all tasks.
struct TaskLabelling {
    /// Looks at most. A container that forks all the time gives its children their labels itself once their parents have one.
    private static let passLimit = 32

    private let program: OpaquePointer
    private let control: MappedArray<pc_labelling>
    private let cgroups: BPFMap<UInt64, UInt64>

    init(program: OpaquePointer, control: Int32, cgroups: Int32) throws(PortcullisError) {
        self.program = program
        self.control = try MappedArray(control, count: 1, name: "labelling")
        self.cgroups = BPFMap(name: "labelling_cgroups", descriptor: cgroups)
    }

    /// - Parameter containers: Each with its cgroup's id; 0 if that tells nothing.
    /// - Returns: Labels given and labels that could not be; not settled if the last look still gave some.
    func run(_ containers: [(reference: SlotReference, cgroup: UInt64)]) throws(PortcullisError) -> (given: Int, failed: Int, isSettled: Bool) {
        var claims: [UInt64: Int] = [:]
        for container in containers { claims[container.cgroup, default: 0] += 1 }
        // A cgroup that two containers share says nothing about either.
        let own = containers.filter { $0.cgroup != 0 && claims[$0.cgroup] == 1 }
        defer { for container in own { try? cgroups.remove(container.cgroup) } }
        for container in own { try cgroups.update(container.cgroup, UInt64(container.reference.generation) << 32 | UInt64(container.reference.slot)) }
        var total = (given: 0, failed: 0, isSettled: false)
        var passes = 0
        // Ancestry first, since it says who did not come in from outside; what a place adds may have descendants again.
        var step = PC_LABELLING_ANCESTRY
        while passes < Self.passLimit {
            let found = try look(step)
            passes += 1
            total.given += found.given
            total.failed += found.failed
            if step == PC_LABELLING_ANCESTRY, found.given == 0 {
                step = PC_LABELLING_KEY
            } else if step == PC_LABELLING_KEY {
                if found.given == 0 {
                    total.isSettled = true
                    break
                }
                step = PC_LABELLING_ANCESTRY
            }
        }
        return total
    }

    private func look(_ pass: pc_labelling_pass) throws(PortcullisError) -> (given: Int, failed: Int) {
        control.elements[0] = pc_labelling(pass: pass.rawValue, given: 0, failed: 0, reserved: 0)
        try TaskIterator.run(program, "labelling tasks")
        let result = control.elements[0]
        return (Int(result.given), Int(result.failed))
    }
}
