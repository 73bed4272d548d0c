import CLibBPF
import CLinux
import Core
import Glibc

/// Looks at the running machine. What it loads is attached nowhere and gone when it returns.
public enum MachineProbe {
    private static let securityFileSystem = 0x7363_6673
    private static let bpfFileSystem = 0xcafe_4a11
    private static let cgroup2 = 0x6367_7270
    private static let symbols = ["rename_lock", "mount_lock"]

    public static func facts() -> MachineFacts {
        LibBPFMessages.install()
        var facts = MachineFacts()
        facts.release = KernelFeatures.release
        facts.hasBTF = KernelFeatures.hasBTF
        facts.hasBPFFileSystem = magic("/sys/fs/bpf") == bpfFileSystem
        facts.hasSecurityFileSystem = magic("/sys/kernel/security") == securityFileSystem
        facts.securityModules = TextFile.read("/sys/kernel/security/lsm").map { list in
            list.split(whereSeparator: { $0 == "," || $0 == "\n" }).map(String.init)
        }
        facts.commandLine = TextFile.read("/proc/cmdline").map { String($0.prefix { $0 != "\n" }) } ?? ""
        facts.cgroupVersion = cgroupVersion
        facts.hooks = facts.hasBTF ? EnforcementPrograms.presentHooks : []
        facts.refusal = facts.hasBTF ? EnforcementPrograms.trial() : nil
        facts.telemetry = facts.hasBTF ? TelemetryPrograms.trial() : nil
        // "none [integrity] confidentiality": the one in brackets is in force.
        facts.lockdown = TextFile.read("/sys/kernel/security/lockdown").flatMap { modes in
            modes.split(whereSeparator: { $0 == " " || $0 == "\n" }).first { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) }
        }
        facts.unknownSymbols = unknownSymbols()
        facts.hasTaskStorage = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, nil) == 1
        return facts
    }

    private static func magic(_ path: String) -> Int {
        var info = statfs()
        return statfs(path, &info) == 0 ? Int(info.f_type) & 0xffff_ffff : 0
    }

    private static var cgroupVersion: Int {
        if magic("/sys/fs/cgroup") == cgroup2 { return 2 }
        // Version 1, or both: a directory for each controller.
        return access("/sys/fs/cgroup/memory", F_OK) == 0 || access("/sys/fs/cgroup/devices", F_OK) == 0 ? 1 : 0
    }

    /// Lines are "ADDRESS TYPE NAME" or, of a module, "ADDRESS TYPE NAME [MODULE]". An address that may not be known is all zeros.
    private static func unknownSymbols() -> [String] {
        var missing = Set(symbols)
        guard let stream = fopen("/proc/kallsyms", "re") else { return symbols }
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while !missing.isEmpty, getline(&line, &capacity, stream) > 0, let line {
            let parts = String(cString: line).split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" })
            guard parts.count == 3, parts[0].contains(where: { $0 != "0" }) else { continue }
            missing.remove(String(parts[2]))
        }
        return symbols.filter(missing.contains)
    }
}
