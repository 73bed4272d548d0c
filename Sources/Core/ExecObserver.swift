import CABI

/// Says of exec events what a policy set would have done: for kernels in which nothing can be enforced.
///
/// An event has the path that was given to `execve`. Symbolic links in it are not followed and nothing says who executed it, so a rule
/// with `fromSource` never matches, and what `ownerOnly`, `pts` or `allowedArgs` would decide is left undecided.
public struct ExecObserver: Sendable {
    private let image: PolicySetImage

    /// Nil if the set has no rules about processes.
    public init?(_ set: CompiledPolicySet) {
        guard set.flags & PC_SET_PROCESS.rawValue != 0, let image = PolicySetImage(cells: set.cells) else { return nil }
        self.image = image
    }

    /// The alert for an event; nil if its rules allow it or it cannot be judged.
    public func alert(_ event: Event) -> Alert? {
        guard event.kind == .exec, event.source == .label || event.source == .key,
            UInt32(event.header.flags) & PC_EVENT_PATH_CUT.rawValue == 0, let path = Self.normal(event.path),
            let decision = decision(path)
        else { return nil }
        var header = pc_alert()
        header.operation = UInt16(PC_OPERATION_EXEC.rawValue)
        header.reason = UInt16(PC_REASON_RULE.rawValue)
        header.source = event.header.source
        header.automaton = UInt16(PC_AUTOMATON_PROCESS.rawValue)
        header.decision = decision.word
        header.slot = event.header.slot
        header.generation = event.header.generation
        header.time = event.header.time
        header.start_time = event.header.start_time
        header.pid = event.header.pid
        header.namespace_pid = event.header.namespace_pid
        header.parent_pid = event.header.parent_pid
        header.parent_namespace_pid = event.header.parent_namespace_pid
        header.uid = event.header.uid
        header.comm = event.header.comm
        header.parent_comm = event.header.parent_comm
        header.cpu = event.header.cpu
        header.tty = event.header.tty
        return Alert(observed: header, event, path: path)
    }

    /// What a process would have met; nil for nothing worth reporting, and where it depends on what is not known here.
    func decision(_ path: [UInt8]) -> PolicySetDecision? {
        let place = image.place(.process, path)
        let decisions = [(false, false), (true, false), (false, true), (true, true)].map { owner, terminal in
            image.decision(.process, at: place, source: 0, owner: owner, write: false, terminal: terminal)
        }
        guard let first = decisions.first, decisions.allSatisfy({ $0 == first }), !first.dependsOnArguments, first.action != .allow else { return nil }
        return first
    }

    /// An absolute path without doubled slashes and dots; nil for a relative one, and with `..`, which only the file system can resolve.
    static func normal(_ path: ArraySlice<UInt8>) -> [UInt8]? {
        guard path.first == UInt8(ascii: "/") else { return nil }
        var result: [UInt8] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) { return nil }
            result.append(UInt8(ascii: "/"))
            result += part
        }
        return result.isEmpty ? nil : result
    }
}
