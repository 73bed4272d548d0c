import CABI

/// KubeArmor's presets: behaviour that no path names.
public enum Preset: String, CaseIterable, Sendable {
    /// Running what is on no disk: a memfd, or a file in /dev/shm or /run/shm; mapping such a file executable counts, too.
    case filelessExec
    /// Memory that belongs to no file becomes executable.
    case anonymousMapExec
    /// Opening the environment of another process.
    case protectEnv
    /// Opening anything that procfs has of another process.
    case protectProc
    /// Running anything in a session that came into the container from outside with a terminal (`kubectl exec -it`).
    case exec

    /// As the automaton reads it, before the path.
    private var key: UInt8 {
        let number = switch self {
        case .filelessExec: PC_PRESET_FILELESS_EXEC
        case .anonymousMapExec: PC_PRESET_ANONYMOUS_MAP_EXEC
        case .protectEnv: PC_PRESET_PROTECT_ENV
        case .protectProc: PC_PRESET_PROTECT_PROC
        case .exec: PC_PRESET_EXEC
        }
        return UInt8(PC_KEY_BYTE_BASE) | UInt8(number.rawValue)
    }

    /// What the kernel asks with where the preset applies, one pattern or another. The kernel has found the condition true already; only where a file lies is
    /// asked here. A path that cannot be told is empty.
    var patterns: [[Glob.Element]] {
        guard self == .filelessExec else { return [[.byte(key), .acrossComponents]] }
        return [[.byte(key)]] + ["memfd:", "/dev/shm/", "/run/shm/"].map { [.byte(key)] + $0.utf8.map { .byte($0) } + [.acrossComponents] }
    }
}
