/// What is read out of the text files of `/proc/<pid>` (proc(5)).
public enum ProcessText {
    /// Field 22 of `/proc/<pid>/stat`: when the process began, in clock ticks since boot.
    public static func startTime(inStat stat: [UInt8]) -> UInt64? { field(22, ofStat: stat) }

    /// Field 4: the parent's process id.
    public static func parent(inStat stat: [UInt8]) -> UInt32? { field(4, ofStat: stat).flatMap { UInt32(exactly: $0) } }

    /// Field 9: the kernel's flags of the process (PF_* of include/linux/sched.h).
    public static func flags(inStat stat: [UInt8]) -> UInt64? { field(9, ofStat: stat) }

    /// The second field, the command's name, may hold blanks and brackets, so counting starts behind the last closing bracket.
    private static func field(_ wanted: Int, ofStat stat: [UInt8]) -> UInt64? {
        guard let bracket = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        var field = 2
        for index in bracket..<stat.count where stat[index] == UInt8(ascii: " ") {
            field += 1
            if field == wanted { return number(in: stat, at: index + 1) }
        }
        return nil
    }

    /// The path in the unified hierarchy's line (`0::/path`), else in the first line (cgroups(7)).
    public static func cgroupPath(in file: [UInt8]) -> [UInt8] {
        var first: [UInt8]?
        for line in file.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].count < HookLimits.path else { continue }
            // On a hybrid host the unified line is there and says "/": the controllers' lines know more.
            if parts[1].isEmpty, parts[2].count > 1 { return Array(parts[2]) }
            if first == nil, parts[2].count > 1 { first = Array(parts[2]) }
        }
        return first ?? []
    }

    /// The decimal number that starts at `start`; nil if there is none, or it does not fit 64 bits.
    public static func number(in bytes: [UInt8], at start: Int) -> UInt64? {
        var value: UInt64 = 0
        var index = start
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9"), index - start < 20 {
            value = value &* 10 &+ UInt64(bytes[index] - UInt8(ascii: "0"))
            index += 1
        }
        return index > start ? value : nil
    }
}
