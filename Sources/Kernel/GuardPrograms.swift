import CABI
import CLibBPF
import CLinux
import CObjects
import Core
import Glibc

/// Self-protection in the kernel: what is the daemon's own there is opened, detached and hidden by nobody else, and the daemon is neither killed nor traced.
///
/// Rights come with the execution of a listed file, so that the daemon has its own from an exec after its file was listed: on the first start it
/// executes itself once more. What a process with the daemon's rights makes or opens from then on is guarded.
final class GuardPrograms {
    private static let hooks: [(program: String, hook: String)] = [
        ("pc_guard_exec", "bprm_committed_creds"), ("pc_guard_fork", "task_alloc"), ("pc_guard_bpf", "bpf"), ("pc_guard_map", "bpf_map"),
        ("pc_guard_program", "bpf_prog"), ("pc_guard_unlink", "inode_unlink"), ("pc_guard_rename", "inode_rename"), ("pc_guard_rmdir", "inode_rmdir"),
        ("pc_guard_create", "inode_create"), ("pc_guard_mkdir", "inode_mkdir"), ("pc_guard_symlink", "inode_symlink"), ("pc_guard_link", "inode_link"),
        ("pc_guard_mount", "sb_mount"), ("pc_guard_move", "move_mount"), ("pc_guard_umount", "sb_umount"), ("pc_guard_remount", "sb_remount"),
        ("pc_guard_pivot", "sb_pivotroot"), ("pc_guard_ptrace", "ptrace_access_check"), ("pc_guard_kill", "task_kill"), ("pc_guard_limit", "task_setrlimit"),
    ]

    private let object: BPFObject
    private let directory: String
    private let state: BPFMap<UInt32, pc_guard>
    private let guarded: BPFMap<pc_guard_id, UInt32>
    private let files: BPFMap<pc_guard_file, UInt32>
    private let listProgram: Int32
    private let findProgram: Int32
    private let selfProgram: Int32

    /// Loads what is not pinned, and attaches it, switched off unless it was on before.
    init(directory: String, reduced: Bool, configure: (BPFObject) throws(PortcullisError) -> Void) throws(PortcullisError) {
        self.directory = directory
        object = try BPFObject(reduced ? pco_guard_reduced() : pco_guard(), pinDirectory: directory)
        try configure(object)
        let links = PinnedLinks(directory: directory)
        let kernel = KernelHooks()
        let pinned = Self.pinned(directory)
        var wanted: [String] = []
        for (program, hook) in Self.hooks where object.has(program: program) {
            if kernel.has(hook), pinned?.object != object.hash || !links.isPinned(program) { wanted.append(program) } else { try object.omit(program: program) }
        }
        try object.load()
        state = BPFMap(name: "guard", descriptor: try object.mapDescriptor("guard"))
        guarded = BPFMap(name: "guarded", descriptor: try object.mapDescriptor("guarded"))
        files = BPFMap(name: "guard_files", descriptor: try object.mapDescriptor("guard_files"))
        listProgram = try object.descriptor(ofProgram: "pc_guard_list")
        findProgram = try object.descriptor(ofProgram: "pc_guard_find")
        selfProgram = try object.descriptor(ofProgram: "pc_guard_self")
        for program in wanted { try links.attach(object, program) }
        try change { $0.object = object.hash }
    }

    /// What an earlier daemon has left; nil if there is nothing, or it may not be looked at.
    private static func pinned(_ directory: String) -> pc_guard? {
        let descriptor = bpf_obj_get("\(directory)/guard")
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return try? BPFMap<UInt32, pc_guard>(name: "guard", descriptor: descriptor).lookup(0, zero: pc_guard())
    }

    /// Whether pins are there that only another program may open.
    static func isLockedOut(_ directory: String) -> Bool {
        let descriptor = bpf_obj_get("\(directory)/guard")
        guard descriptor < 0 else {
            close(descriptor)
            return false
        }
        return -descriptor == EPERM || -descriptor == EACCES
    }

    private func change(_ body: (inout pc_guard) -> Void) throws(PortcullisError) {
        var now = try state.lookup(0, zero: pc_guard()) ?? pc_guard()
        body(&now)
        try state.update(0, now)
    }

    // MARK: Rights

    /// Whether this process has the daemon's rights.
    var isMarked: Bool {
        var options = bpf_test_run_opts()
        options.sz = MemoryLayout<bpf_test_run_opts>.size
        guard bpf_prog_test_run_opts(selfProgram, &options) == 0 else { return false }
        return options.retval & PC_GUARD_DAEMON.rawValue != 0
    }

    /// Marks rights that are about to end; no right itself.
    private static let former: UInt32 = 0x100

    /// Gives the file that this process executes the daemon's rights, and no other file. The others lose theirs last: a moment in which nobody has any
    /// would, if this process ended in it, leave pins that nobody may open before the machine is started anew.
    func listOwnFile() throws(PortcullisError) {
        for key in try files.keys(zero: pc_guard_file()) {
            if let rights = try files.lookup(key, zero: 0) { try files.update(key, rights | Self.former) }
        }
        let descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PortcullisError(.system, "opening /proc/self/exe", errno: errno) }
        defer { close(descriptor) }
        try run(listProgram, UInt64(descriptor), UInt64(PC_GUARD_ALL.rawValue), "listing this program's file")
        for key in try files.keys(zero: pc_guard_file()) {
            if let rights = try files.lookup(key, zero: 0), rights & Self.former != 0 { try files.remove(key) }
        }
    }

    /// Executes this program once more, with the same arguments and environment. Returns only if that fails, or if it has been done before.
    static func executeAgain() {
        let name = "PORTCULLIS_EXECUTED_AGAIN"
        guard getenv(name) == nil else {
            unsetenv(name)
            return
        }
        setenv(name, "1", 1)
        var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        unsetenv(name)
        for argument in arguments { free(argument) }
    }

    static func forgetExecution() { unsetenv("PORTCULLIS_EXECUTED_AGAIN") }

    // MARK: On and off

    /// Puts all that is pinned under guard, and the directory that it is in; from here on.
    ///
    /// - Parameter other: An earlier version's directory, whose programs run beside these.
    func lock(also other: String? = nil) throws(PortcullisError) {
        try takeInPins(directory)
        if let other { try takeInPins(other) }
        let parent = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? directory
        // What belongs to others too is not ours to keep.
        let kept = Self.isMountPoint(parent) ? directory : parent
        let descriptor = pcl_open_place("/proc/1/root" + kept)
        guard descriptor >= 0 else { throw PortcullisError(.kernel, "opening \(kept) as process 1 sees it", errno: -descriptor) }
        defer { close(descriptor) }
        try run(findProgram, UInt64(descriptor), 0, "finding \(kept)")
        try collect()
        try change { now in
            now.unlocked_until = 0
            now.on = 1
        }
    }

    /// Lets everybody who is in no container through, until then (nanoseconds since boot).
    func unlock(until: UInt64) throws(PortcullisError) { try change { $0.unlocked_until = until } }

    func switchOff() throws(PortcullisError) { try change { $0.on = 0 } }

    /// Whether it is on, and until when it is unlocked.
    var now: (isOn: Bool, unlockedUntil: UInt64) {
        let found = (try? state.lookup(0, zero: pc_guard())) ?? nil
        return (found?.on == 1, found?.unlocked_until ?? 0)
    }

    private static func isMountPoint(_ path: String) -> Bool {
        var own = stat(), above = stat()
        guard stat(path, &own) == 0, stat(path + "/..", &above) == 0 else { return true }
        return own.st_dev != above.st_dev
    }

    private func run(_ program: Int32, _ first: UInt64, _ second: UInt64, _ action: String) throws(PortcullisError) {
        var arguments = (first, second)
        var options = bpf_test_run_opts()
        options.sz = MemoryLayout<bpf_test_run_opts>.size
        let size = MemoryLayout.size(ofValue: arguments)
        let failed = withUnsafeMutablePointer(to: &arguments) { pointer in
            options.ctx_in = UnsafeRawPointer(pointer)
            options.ctx_size_in = UInt32(size)
            return bpf_prog_test_run_opts(program, &options)
        }
        guard failed == 0 else { throw PortcullisError(.kernel, action, errno: errno) }
    }

    // MARK: What is guarded

    /// Opens every pin once, and what each program among them uses: what is opened by this process is guarded.
    private func takeInPins(_ directory: String) throws(PortcullisError) {
        for name in try DirectoryNames.read(directory) {
            let descriptor = bpf_obj_get("\(directory)/\(name)")
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            if name.hasPrefix("link_") || name.hasPrefix("judge_") { takeInProgram(ofLink: descriptor) }
            if name.hasPrefix("program_") { takeInMaps(ofProgram: descriptor) }
        }
    }

    private func takeInProgram(ofLink link: Int32) {
        var info = bpf_link_info()
        var size = UInt32(MemoryLayout<bpf_link_info>.size)
        guard bpf_obj_get_info_by_fd(link, &info, &size) == 0 else { return }
        let program = bpf_prog_get_fd_by_id(info.prog_id)
        guard program >= 0 else { return }
        takeInMaps(ofProgram: program)
        close(program)
    }

    private func takeInMaps(ofProgram program: Int32) {
        var ids = [UInt32](repeating: 0, count: 64)
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let count = ids.withUnsafeMutableBufferPointer { buffer -> Int in
            info.nr_map_ids = UInt32(buffer.count)
            info.map_ids = UInt64(UInt(bitPattern: buffer.baseAddress))
            return bpf_obj_get_info_by_fd(program, &info, &size) == 0 ? min(Int(info.nr_map_ids), buffer.count) : 0
        }
        for id in ids.prefix(count) {
            let map = bpf_map_get_fd_by_id(id)
            if map >= 0 { close(map) }
        }
    }

    /// Policy sets come and go; what is left of those that went is removed at each start, when this process may still look for others by their ids.
    private func collect() throws(PortcullisError) {
        for key in try guarded.keys(zero: pc_guard_id()) {
            let descriptor = key.kind == PC_GUARD_MAP.rawValue ? bpf_map_get_fd_by_id(key.id) : bpf_prog_get_fd_by_id(key.id)
            if descriptor >= 0 { close(descriptor) } else if -descriptor == ENOENT { try guarded.remove(key) }
        }
    }
}
