/// What the head of a program's file says (elf(5)).
public enum ELFProgram {
    /// Bytes that are needed of it.
    public static let headBytes = 64
    /// Machines as uname(2) names them, with their number in a head.
    private static let machines: [(name: String, number: UInt16)] = [("x86_64", 62), ("aarch64", 183)]

    /// Why a file that begins so cannot run on `machine`; nil if it can.
    public static func problem(head: [UInt8], machine: String) -> String? {
        guard head.count >= headBytes, head.starts(with: [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]) else { return "is no ELF program" }
        // 64 bits, least byte first: all machines that this runs on.
        guard head[4] == 2, head[5] == 1 else { return "is a program for another kind of machine, and this one is \(machine)" }
        let number = UInt16(head[18]) | UInt16(head[19]) << 8
        guard number != machines.first(where: { $0.name == machine })?.number else { return nil }
        return "is a program for \(machines.first { $0.number == number }?.name ?? "another kind of machine"), and this machine is \(machine)"
    }
}
