import CABI
import CLibBPF
import CLinux
import Core
import Glibc

/// Files that Block rules name, by device, inode and generation as the kernel has them.
///
/// A program run by BPF_PROG_TEST_RUN reads them off an open descriptor: what stat(2) says of a file on overlayfs is not what the kernel
/// compares. Paths are looked up in the container's own mount namespace, through `/proc/PID/root`, and never outside its root.
public final class FileIdentities {
    private let program: Int32
    private let result: MappedArray<pc_file_probe>
    private let files: BPFMap<pc_file_key, pc_file_rule>
    private var keys: [UInt32: [pc_file_key]] = [:]
    /// Files that the full table had no room for; they are known by their paths alone.
    public private(set) var leftOut: UInt64 = 0

    init(program: Int32, resultMap: Int32, files: Int32) throws(PortcullisError) {
        self.program = program
        result = try MappedArray(resultMap, count: 1, name: "file_result")
        self.files = BPFMap(name: "files", descriptor: files)
    }

    public var count: Int { keys.values.reduce(0) { $0 + $1.count } }

    /// Forgets what an earlier daemon noted: it is all noted again.
    public func clear() throws(PortcullisError) {
        for key in try files.keys(zero: pc_file_key()) {
            let isKnown = keys[key.slot]?.contains { known in
                known.inode == key.inode && known.device == key.device && known.inode_generation == key.inode_generation
                    && known.set_generation == key.set_generation
            }
            if isKnown != true { try files.remove(key) }
        }
    }

    /// Notes the files behind `paths` for a container and one set's generation; returns how many there are.
    ///
    /// - Parameters:
    ///   - rootfs: Where the container's root is in its namespace, for one that still has the runtime's root; nil: its own root.
    ///   - crossesMounts: Only before the container's first instruction: later it could have mounted a file system that never answers.
    @discardableResult
    public func note(
        _ paths: [NamedPath], process: UInt32, rootfs: String?, slot: UInt32, setGeneration: UInt32, crossesMounts: Bool
    ) throws(PortcullisError) -> Int {
        let outer = pcl_open_place("/proc/\(process)/root")
        guard outer >= 0 else { throw PortcullisError(.system, "opening the root of process \(process)", errno: -outer) }
        defer { close(outer) }
        var root = outer
        if let rootfs {
            root = pcl_open_in_root(outer, rootfs, 1)
            guard root >= 0 else { throw PortcullisError(.system, "opening \(rootfs) in the namespace of process \(process)", errno: -root) }
        }
        defer { if root != outer { close(root) } }
        var noted = 0
        for path in paths {
            let descriptor = pcl_open_in_root(root, path.path, crossesMounts ? 1 : 0)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            guard let found = try identify(descriptor), try note(path, found, names: Self.names(descriptor), slot, setGeneration) else { continue }
            noted += 1
        }
        return noted
    }

    /// How many names the file has, as far as its file system says. Overlayfs keeps no count in its own inode for a file of a lower layer, and says the layer's.
    private static func names(_ descriptor: Int32) -> UInt64 {
        var info = stat()
        return fstat(descriptor, &info) == 0 ? UInt64(info.st_nlink) : 0
    }

    private func note(_ path: NamedPath, _ found: pc_file_probe, names: UInt64, _ slot: UInt32, _ generation: UInt32) throws(PortcullisError) -> Bool {
        guard found.mode & S_IFMT == S_IFREG else { return false }
        // A program with several names may be several programs (busybox): blocking one of them is not blocking all.
        let processRow = found.links == 1 && names == 1 ? path.processRow : 0
        guard processRow != 0 || path.fileRow != 0 else { return false }
        let key = pc_file_key(
            inode: found.inode, device: found.device, inode_generation: found.inode_generation, slot: slot, set_generation: generation)
        let rule = pc_file_rule(
            process_row: processRow, file_row: path.fileRow, process_flags: processRow != 0 ? path.processFlags : 0, reserved: 0)
        do throws(PortcullisError) { try files.update(key, rule) } catch {
            guard error.code == .full else { throw error }
            leftOut += 1
            return false
        }
        keys[slot, default: []].append(key)
        return true
    }

    /// Forgets a container's files, but for those of one set's generation.
    public func forget(slot: UInt32, except generation: UInt32? = nil) throws(PortcullisError) {
        guard let known = keys[slot] else { return }
        var kept: [pc_file_key] = []
        for key in known {
            if key.set_generation == generation { kept.append(key) } else { try files.remove(key) }
        }
        keys[slot] = kept.isEmpty ? nil : kept
    }

    private func identify(_ descriptor: Int32) throws(PortcullisError) -> pc_file_probe? {
        var argument = UInt64(UInt32(bitPattern: descriptor))
        var options = bpf_test_run_opts()
        options.sz = MemoryLayout<bpf_test_run_opts>.size
        let failed = withUnsafeMutablePointer(to: &argument) { pointer in
            options.ctx_in = UnsafeRawPointer(pointer)
            options.ctx_size_in = 8
            return bpf_prog_test_run_opts(program, &options)
        }
        guard failed == 0 else { throw PortcullisError(.kernel, "running the file probe", errno: errno) }
        let found = result.elements[0]
        return found.status == PC_PROBE_FOUND.rawValue ? found : nil
    }
}
