import CABI
import CLibBPF
import CObjects
import Core
import Glibc

/// The programs that tell of files, sockets, capabilities and other calls. Nobody would read what they say without a daemon: so they are not pinned, and end with it.
///
/// They slow the whole machine down, and are attached only while somebody is to be seen with what they tell of.
final class TelemetryPrograms {
    /// Kinds of events that need any of them; execs and exits alone do not.
    static let kinds = calls | UInt64(PC_SEE_CAPABILITIES.rawValue)
    private static let requests = UInt64(PC_SEE_FILE.rawValue | PC_SEE_NETWORK.rawValue | PC_SEE_FAILURES.rawValue)
    private static let calls = requests | UInt64(PC_SEE_DNS.rawValue)
    private static let capabilities = UInt64(PC_SEE_CAPABILITIES.rawValue)

    /// One that is attached while somebody is to be seen with some of its kinds.
    private struct Program {
        let name: String
        /// Where it is attached, as `status` has it.
        let place: String
        let kinds: UInt64
        let object: BPFObject
        var link: OpaquePointer?
    }

    private let attachesOnce: Bool
    private let make: (pco_object) throws(PortcullisError) -> BPFObject
    private let scratches: BPFObject
    private var programs: [Program] = []
    private var triesCapabilities = true
    /// Why this kernel does not let be seen what goes by io_uring, and which capabilities are used; nil if it does, or was not asked.
    private var requestRefusal: String?
    private var capabilityRefusal: String?
    /// What this kernel does not let be seen, and why.
    var missing: [String] { [requestRefusal.map { "requests of io_uring: \($0)" }, capabilityRefusal.map { "use of capabilities: \($0)" }].compactMap { $0 } }

    /// Runs that the kernel left out, by program; see `PinnedLinks.missedRuns`.
    var missedRuns: [(program: String, count: UInt64)] {
        programs.compactMap { program in
            guard let descriptor = try? program.object.descriptor(ofProgram: program.name) else { return nil }
            return (program.name, PinnedLinks.missedRuns(descriptor) ?? 0)
        }
    }

    /// Places in use.
    var attached: [String] { programs.filter { $0.link != nil }.map(\.place) }

    init(directory: String, reduced: Bool, configure: @escaping (BPFObject) throws(PortcullisError) -> Void) throws(PortcullisError) {
        attachesOnce = reduced
        make = { embedded throws(PortcullisError) in
            let object = try BPFObject(embedded, pinDirectory: directory)
            try configure(object)
            return object
        }
        let calls = try make(reduced ? pco_telemetry_reduced() : pco_telemetry())
        try calls.setReadOnlyData(".rodata.calls", SystemCall.reported())
        try calls.load()
        scratches = calls
        programs.append(Program(name: "pc_call_event", place: "sys_exit", kinds: Self.kinds, object: calls))
        do throws(PortcullisError) { try addRequests(reduced) } catch { requestRefusal = error.description }
    }

    /// What this kernel lets be seen. What is loaded for it is attached nowhere and gone afterwards.
    static func trial() -> MachineFacts.Telemetry {
        var found = MachineFacts.Telemetry()
        let variant = Variant.best(capacity: 16)
        do throws(PortcullisError) {
            let programs = try TelemetryPrograms(directory: BPFFileSystem.usualPath, reduced: variant.labelStore == .hash) { object throws(PortcullisError) in
                try object.unpinMaps()
                try KernelPrograms.configure(object, variant, .init(capacity: variant.capacity, eventRing: 1 << 16))
            }
            programs.load(for: capabilities)
            (found.requestRefusal, found.capabilityRefusal) = (programs.requestRefusal, programs.capabilityRefusal)
            found.capabilityPlace = programs.programs.first { $0.kinds == capabilities }?.place ?? ""
        } catch { (found.callRefusal, found.requestRefusal, found.capabilityRefusal) = (error.description, error.description, error.description) }
        return found
    }

    deinit { detach { _ in true } }

    /// What is done by io_uring, whose tracepoints have changed with the kernel.
    private func addRequests(_ reduced: Bool) throws(PortcullisError) {
        let kernel = KernelHooks()
        let object = try make(reduced ? pco_uring_reduced() : pco_uring())
        var wanted: [(name: String, place: String)] = []
        if !reduced, kernel.parameters(ofTracepoint: "io_uring_submit_req") != nil {
            wanted.append(("pc_request_event", "io_uring_submit_req"))
        } else if kernel.parameters(ofTracepoint: "io_uring_submit_sqe") != nil {
            wanted.append(("pc_request_sqe_event", "io_uring_submit_sqe"))
        }
        if let parameters = kernel.parameters(ofTracepoint: "io_uring_complete") {
            // With the completion itself as the third and last one since 6.15; with its members before.
            wanted.append((!reduced && parameters == 3 ? "pc_completion_entry_event" : "pc_completion_event", "io_uring_complete"))
        }
        guard wanted.count == 2 else { throw PortcullisError(.kernel, "this kernel has none of the tracepoints that are known") }
        if !reduced, kernel.parameters(ofTracepoint: "io_uring_cqe_overflow") != nil { wanted.append(("pc_overflow_event", "io_uring_cqe_overflow")) }
        for name in ["pc_request_event", "pc_request_sqe_event", "pc_completion_event", "pc_completion_entry_event", "pc_overflow_event"]
        where object.has(program: name) && !wanted.contains(where: { $0.name == name }) { try object.omit(program: name) }
        try object.share(map: "scratches", of: scratches)
        try object.load()
        // Attached in this order, detached in the opposite one: what is handed in while nobody sees completions would wait for one for ever.
        for entry in wanted.reversed() { programs.append(Program(name: entry.name, place: entry.place, kinds: Self.requests, object: object)) }
    }

    /// Has the kernel check what these kinds of events need, which takes a while.
    func load(for visibility: UInt64) {
        guard visibility & Self.capabilities != 0, triesCapabilities else { return }
        triesCapabilities = false
        addCapabilities(["pc_capability_event", "pc_capability_traced_event"])
    }

    /// The first of the programs that this kernel takes. To attach to a function tells more than the tracepoint does; not every kernel lets one.
    private func addCapabilities(_ candidates: [String]) {
        for (index, name) in candidates.enumerated() {
            do throws(PortcullisError) {
                if name == "pc_capability_traced_event", KernelHooks().parameters(ofTracepoint: "cap_capable") == nil {
                    throw PortcullisError(.kernel, "this kernel has no tracepoint cap_capable")
                }
                let object = try make(attachesOnce ? pco_capability_reduced() : pco_capability())
                for other in ["pc_capability_event", "pc_capability_traced_event"] where other != name { try object.omit(program: other) }
                try object.share(map: "scratches", of: scratches)
                try object.load()
                programs.append(Program(name: name, place: name == "pc_capability_event" ? "cap_capable" : "cap_capable (tracepoint)", kinds: Self.capabilities, object: object))
                return
            } catch where index == candidates.count - 1 {
                capabilityRefusal = error.description
            } catch {}
        }
    }

    /// Attaches what the kinds of events (`pc_see_flag`) need that somebody is to be seen with, and lets go of what none of them needs.
    func attach(for visibility: UInt64) throws(PortcullisError) {
        load(for: visibility)
        // Up to 5.12 a program is attached only once: there it stays, and finds that nobody is to be seen.
        if !attachesOnce { detach { visibility & $0.kinds == 0 } }
        var index = 0
        while index < programs.count {
            defer { index += 1 }
            guard visibility & programs[index].kinds != 0, programs[index].link == nil else { continue }
            if programs[index].place == "io_uring_complete" { try forgetRequests(programs[index].object) }
            programs[index].link = bpf_program__attach(try programs[index].object.program(programs[index].name))
            guard programs[index].link == nil else { continue }
            let error = PortcullisError(.kernel, "attaching \(programs[index].name)", errno: errno)
            guard programs[index].name == "pc_capability_event" else { throw error }
            programs.remove(at: index)
            addCapabilities(["pc_capability_traced_event"])
            index -= 1
        }
    }

    private func detach(_ isUnwanted: (Program) -> Bool) {
        for index in programs.indices.reversed() where isUnwanted(programs[index]) {
            if let link = programs[index].link { bpf_link__destroy(link) }
            programs[index].link = nil
        }
    }

    /// Requests that were under way when completions were seen last: theirs may have come since, and nobody was to be seen.
    private func forgetRequests(_ object: BPFObject) throws(PortcullisError) {
        var key: UInt64 = 0
        let kept = try object.mapDescriptor("requests")
        while bpf_map_get_next_key(kept, nil, &key) == 0, bpf_map_delete_elem(kept, &key) == 0 {}
        let places = try object.map("places")
        var first: UInt32 = 0
        let free = [UInt8](repeating: 0, count: Int(bpf_map__value_size(places)))
        guard bpf_map_update_elem(bpf_map__fd(places), &first, free, 0) == 0 else {
            throw PortcullisError(.kernel, "freeing the places of requests of io_uring", errno: errno)
        }
    }
}
