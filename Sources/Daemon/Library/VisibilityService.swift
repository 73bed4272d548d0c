import CABI
import Core
import HookWire
import Kernel
import Logging

/// Which events of whom are reported: it tells the kernel, where the rest is left out before it costs anything.
final class VisibilityService {
    /// Nanoseconds that programs stay attached for nobody: the kernel takes its time to attach what it has just let go.
    private static let patience: UInt64 = 30_000_000_000

    private let kernel: PinnedMaps
    private let programs: KernelPrograms
    private let logger: Logger
    private var configuration: Configuration
    /// By slot, of containers that are registered; and how many there are of each kind.
    private var bySlot: [UInt32: UInt64] = [:]
    private var slots: [UInt64: Int] = [:]
    /// What programs are attached for.
    private var attachedFor: UInt64 = 0
    /// What the kernel has been told that is seen of anybody.
    private var shown: UInt64 = 0
    /// When programs that nobody needs any more are let go, on the monotonic clock; nil: there are none.
    private(set) var deadline: UInt64?
    /// Why something cannot be reported; empty if all can.
    private(set) var problem = ""

    init(kernel: PinnedMaps, programs: KernelPrograms, configuration: Configuration, logger: Logger) {
        self.kernel = kernel
        self.programs = programs
        self.configuration = configuration
        self.logger = logger
    }

    /// What is set for the host and for containers from here on, and for those that there are.
    func update(_ configuration: Configuration, _ containers: [Container]) {
        self.configuration = configuration
        (bySlot, slots) = ([:], [:])
        for container in containers { register(container.reference.slot, flags(container.message[...])) }
        settle()
        prepare()
    }

    /// Which events of a container are reported; of its message as it came, annotations and all.
    func flags(_ body: ArraySlice<UInt8>) -> UInt64 {
        let flags = configuration.visibilityFlags(in: namespace(body))
        // Where nothing is enforced, policies are asked about execs afterwards, whatever is to be seen; these are then held back here.
        return programs.enforcement.isActive ? flags : flags | UInt64(PC_SEE_JUDGED.rawValue)
    }

    /// Empty where no namespace has a visibility of its own: it need not be found out.
    private func namespace(_ body: ArraySlice<UInt8>) -> String {
        guard configuration.namespaces.values.contains(where: { $0.visibility != nil }), let message = try? HookMessage(decoding: body) else { return "" }
        return ContainerLabels(message).namespace
    }

    /// Whether an event is held back although the kernel reports it.
    func hides(_ kind: Event.Kind, of container: Container) -> Bool {
        guard kind == .exec, !programs.enforcement.isActive else { return false }
        return !configuration.visibility(in: namespace(container.message[...])).classes.contains(.process)
    }

    /// Makes ready for a container, before it does anything that is to be seen.
    func expect(_ flags: UInt64) {
        guard flags & ~shown != 0 else { return }
        attach(shown | flags)
    }

    func registered(_ slot: UInt32, _ flags: UInt64) {
        register(slot, flags)
        settle()
    }

    func freed(_ slot: UInt32) {
        forget(slot)
        settle()
    }

    private func register(_ slot: UInt32, _ flags: UInt64) {
        forget(slot)
        bySlot[slot] = flags
        slots[flags, default: 0] += 1
        kernel.setVisibility(flags, slot)
    }

    private func forget(_ slot: UInt32) {
        guard let flags = bySlot.removeValue(forKey: slot) else { return }
        slots[flags, default: 0] -= 1
        if slots[flags] == 0 { slots[flags] = nil }
    }

    /// What is to be seen of anybody.
    private var wanted: UInt64 { slots.keys.reduce(configuration.hostVisibilityFlags, |) }

    private func settle() {
        let wanted = wanted
        guard programs.needsTelemetry(attachedFor), !programs.needsTelemetry(wanted) else {
            deadline = nil
            return attach(wanted)
        }
        // What is attached stays for a while, and finds that there is nothing to look at.
        deadline = deadline ?? Clocks.monotonic + Self.patience
        show(wanted)
    }

    /// Lets go of programs that nobody has needed for a while.
    func expired(now: UInt64) {
        guard let deadline, deadline <= now else { return }
        self.deadline = nil
        attach(wanted)
    }

    private func attach(_ flags: UInt64) {
        attachedFor = flags
        do throws(PortcullisError) {
            try programs.attachTelemetry(for: flags)
            problem = ""
        } catch { tell(error) }
        show(flags)
    }

    private func show(_ flags: UInt64) {
        shown = flags
        kernel.setVisibility(host: configuration.hostVisibilityFlags, any: flags)
    }

    /// Has the kernel check the programs now if a container may need them: its hook is not to wait for that.
    private func prepare() {
        let possible = configuration.namespaces.keys.reduce(configuration.visibilityFlags(in: "")) { $0 | configuration.visibilityFlags(in: $1) }
        guard programs.needsTelemetry(possible) else { return }
        do throws(PortcullisError) { try programs.loadTelemetry(for: possible) } catch { tell(error) }
    }

    private func tell(_ error: PortcullisError) {
        if problem != error.description { logger.error("not everything that is to be seen can be reported: \(error)") }
        problem = error.description
    }
}
