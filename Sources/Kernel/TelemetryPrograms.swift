import CABI
import CLibBPF
import CObjects
import Core
import Glibc

/// The programs that tell of files, sockets and other calls. Nobody would read what they say without a daemon: so they are not pinned, and end with it.
///
/// They slow every system call of the machine down, and are attached only while somebody is to be seen with more than execs and exits.
final class TelemetryPrograms {
    /// Kinds of events that need them; execs and exits alone do not.
    static let kinds = UInt64(PC_SEE_FILE.rawValue | PC_SEE_NETWORK.rawValue | PC_SEE_CAPABILITIES.rawValue | PC_SEE_FAILURES.rawValue)

    private let calls: BPFObject
    private let attachesOnce: Bool
    private var links: [(name: String, link: OpaquePointer)] = []

    /// Tracepoints in use.
    var attached: [String] { links.map(\.name) }

    init(directory: String, reduced: Bool, configure: (BPFObject) throws(PortcullisError) -> Void) throws(PortcullisError) {
        attachesOnce = reduced
        calls = try BPFObject(reduced ? pco_telemetry_reduced() : pco_telemetry(), pinDirectory: directory)
        try configure(calls)
        try calls.setReadOnlyData(".rodata.calls", SystemCall.reported())
        try calls.load()
    }

    deinit { for entry in links { bpf_link__destroy(entry.link) } }

    /// Attaches what the kinds of events (`pc_see_flag`) need that somebody is to be seen with, and lets go of what none of them needs.
    func attach(for visibility: UInt64) throws(PortcullisError) {
        try use("sys_exit", calls, "pc_telemetry", visibility & Self.kinds != 0)
    }

    private func use(_ name: String, _ object: BPFObject, _ program: String, _ isWanted: Bool) throws(PortcullisError) {
        let index = links.firstIndex { $0.name == name }
        if isWanted, index == nil {
            guard let link = bpf_program__attach(try object.program(program)) else { throw PortcullisError(.kernel, "attaching \(program)", errno: errno) }
            links.append((name, link))
        } else if !isWanted, let index, !attachesOnce {
            // Up to 5.12 a program is attached only once: there it stays, and finds that nobody is to be seen.
            bpf_link__destroy(links.remove(at: index).link)
        }
    }
}
