import CABI

/// A Linux capability (capabilities(7), include/uapi/linux/capability.h), by its number.
public enum Capability: UInt8, CaseIterable, Sendable {
    case chown, dac_override, dac_read_search, fowner, fsetid, kill, setgid, setuid, setpcap, linux_immutable
    case net_bind_service, net_broadcast, net_admin, net_raw, ipc_lock, ipc_owner, sys_module, sys_rawio, sys_chroot, sys_ptrace
    case sys_pacct, sys_admin, sys_boot, sys_nice, sys_resource, sys_time, sys_tty_config, mknod, lease, audit_write
    case audit_control, setfcap, mac_override, mac_admin, syslog, wake_alarm, block_suspend, audit_read, perfmon, bpf
    case checkpoint_restore

    /// As policies write it: `net_raw`.
    public var name: String { "\(self)" }

    /// By its name, in either case, with or without `CAP_` before it.
    public init?(named text: String) {
        var name = text.lowercased()
        if name.hasPrefix("cap_") { name.removeFirst(4) }
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// As the automaton reads it.
    var key: UInt8 { UInt8(PC_KEY_BYTE_BASE) | rawValue }

    /// As alerts write it: `CAP_NET_RAW`. A kernel newer than this program may have more.
    static func alertName(_ number: UInt8) -> String { Self(rawValue: number).map { "CAP_" + $0.name.uppercased() } ?? "CAP_\(number)" }
}
