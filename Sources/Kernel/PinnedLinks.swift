import CLibBPF
import Core
import Glibc

/// The attached programs, each pinned as `link_<program>`: what is pinned goes on when the daemon does not.
struct PinnedLinks {
    let directory: String

    private func path(_ program: String) -> String { "\(directory)/link_\(program)" }

    func isPinned(_ program: String) -> Bool { access(path(program), F_OK) == 0 }

    /// Lets go of what is pinned, and of what a start that was cut off left beside it. The kernel detaches it a little later, and a run under way ends as it began.
    func detach(_ program: String) throws(PortcullisError) { try remove(path(program), program) }

    private func remove(_ path: String, _ program: String) throws(PortcullisError) {
        for name in [path, path + Self.replacement] {
            guard unlink(name) == 0 || errno == ENOENT else {
                throw PortcullisError(.kernel, "removing the pin of \(program) in \(directory)", errno: errno)
            }
        }
    }

    /// Behind the name of a pin that is about to take another's place. No dot: bpffs keeps names with dots for itself.
    private static let replacement = "_new"
    /// A program that was let go is detached by the kernel in its own time, and cannot be attached again before (EBUSY): so often, and so many milliseconds
    /// apart, that is tried.
    private static let attempts = (count: 500, pause: 10)

    /// A descriptor of the program that is attached; negative if it is not to be had. By its id, for which CAP_SYS_ADMIN is needed.
    func programDescriptor(_ program: String) -> Int32 {
        let link = bpf_obj_get(path(program))
        guard link >= 0 else { return -1 }
        defer { close(link) }
        var linkInfo = bpf_link_info()
        var size = UInt32(MemoryLayout<bpf_link_info>.size)
        guard bpf_obj_get_info_by_fd(link, &linkInfo, &size) == 0 else { return -1 }
        return bpf_prog_get_fd_by_id(linkInfo.prog_id)
    }

    /// The same of one that is attached now and then, which is pinned itself.
    func onDemandDescriptor(_ program: String) -> Int32 { bpf_obj_get(programPath(program)) }

    /// Runs of a program that the kernel left out, because the same program was at work on that CPU: a tracepoint's program
    /// can be preempted from 7.0 on. Nil if the kernel does not count them (before 5.12).
    static func missedRuns(_ descriptor: Int32) -> UInt64? {
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        guard bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 else { return nil }
        return info.recursion_misses
    }

    /// Attaches a loaded program and pins the link, taking the place of an older one: both run for a moment, none is missing.
    func attach(_ object: BPFObject, _ program: String) throws(PortcullisError) {
        guard let link = bpf_program__attach(try object.program(program)) else {
            throw PortcullisError(.kernel, "attaching the program \(program)", errno: errno)
        }
        defer { bpf_link__destroy(link) }
        try put(bpf_link__fd(link), path(program), program)
    }

    // MARK: Programs that are attached now and then

    private func programPath(_ program: String) -> String { "\(directory)/program_\(program)" }

    func isPinned(asProgram program: String) -> Bool { access(programPath(program), F_OK) == 0 }

    /// Pins a loaded program itself, in the place of an older one, so that a later daemon need not load it to attach it.
    func pin(_ object: BPFObject, program: String) throws(PortcullisError) {
        try put(try object.descriptor(ofProgram: program), programPath(program), program)
    }

    /// Attaches a program that is pinned, and belongs to an LSM hook.
    func attach(pinned program: String) throws(PortcullisError) {
        let descriptor = bpf_obj_get(programPath(program))
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening \(programPath(program))", errno: -descriptor) }
        defer { close(descriptor) }
        // The hook was named when the program was loaded, so that there is none to name here.
        var link = bpf_raw_tracepoint_open(nil, descriptor)
        for _ in 0..<Self.attempts.count where link == -EBUSY {
            usleep(UInt32(Self.attempts.pause * 1000))
            link = bpf_raw_tracepoint_open(nil, descriptor)
        }
        guard link >= 0 else { throw PortcullisError(.kernel, "attaching the program \(program)", errno: -link) }
        defer { close(link) }
        try put(link, path(program), program)
    }

    func unpin(program: String) throws(PortcullisError) { try remove(programPath(program), program) }

    /// Pins a descriptor at `path`, in the place of what is there.
    private func put(_ descriptor: Int32, _ path: String, _ program: String) throws(PortcullisError) {
        let temporary = path + Self.replacement
        unlink(temporary)
        guard bpf_obj_pin(descriptor, temporary) == 0 else {
            throw PortcullisError(.kernel, "pinning the program \(program) in \(directory)", errno: errno)
        }
        guard rename(temporary, path) == 0 else {
            let error = errno
            unlink(temporary)
            throw PortcullisError(.kernel, "pinning the program \(program) in \(directory)", errno: error)
        }
    }
}
