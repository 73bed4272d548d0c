import CABI
import CLibBPF
import Core
import Glibc

/// Which of the alternatives this kernel gets. What is pinned keeps the variant it was loaded with.
public struct Variant: Equatable, Sendable {
    /// Where labels live.
    public enum LabelStore: UInt32, Sendable {
        case tasks = 0
        case hash = 1
    }

    public var labelStore: LabelStore
    /// Whether `lsm/task_alloc` gives children their label; else the fork tracepoint alone does.
    public var forkByLSM: Bool
    public var capacity: Int

    /// The best that this kernel has.
    public static func best(capacity: Int) -> Variant {
        let taskStorage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, nil) == 1
        return Variant(
            labelStore: taskStorage ? .tasks : .hash,
            // task_alloc reads the current task as a BTF pointer (5.11), like task storage does.
            forkByLSM: taskStorage && KernelFeatures.bpfLSM == .enabled, capacity: capacity)
    }
}

/// What the running kernel can do.
public enum KernelFeatures {
    /// Whether LSM programs can be used.
    public enum LSM: Equatable, Sendable {
        case enabled
        /// `bpf` is not in the kernel's list of active security modules; the list follows.
        case notListed(String)
        /// The list cannot be read: securityfs is not mounted or not readable.
        case unknown
    }

    /// Read from securityfs. A kernel that does not list `bpf` refuses such programs or never runs them: none is tried then.
    public static var bpfLSM: LSM {
        guard let list = TextFile.read("/sys/kernel/security/lsm") else { return .unknown }
        let names = list.split(whereSeparator: { $0 == "," || $0 == "\n" })
        return names.contains("bpf") ? .enabled : .notListed(names.joined(separator: ","))
    }

    /// `uname -r`.
    public static var release: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Whether the addresses of kernel symbols are kept from this process: a sandbox hides the file, or kptr_restrict the numbers (proc(5)). The programs then do
    /// not find the kernel's locks for renames and mounts, and cannot tell that a path changed while they followed it.
    public static var hidesSymbols: Bool {
        // The first of them may be at 0 for good: those that each processor has a copy of.
        guard let list = TextFile.read("/proc/kallsyms") else { return true }
        return list.split(separator: "\n").allSatisfy { $0.hasPrefix("0000000000000000 ") }
    }

    public static var hasBTF: Bool { access("/sys/kernel/btf/vmlinux", R_OK) == 0 }
}

/// Small files, read whole.
public enum TextFile {
    /// The first 64 KiB of a file; nil if it cannot be read.
    public static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }
}
