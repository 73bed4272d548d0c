import CABI
import CLibSeccomp

/// What is known of system calls by their numbers, looked up once: libseccomp searches its table anew each time.
struct SystemCallNames: Sendable {
    let name: String
    /// As KubeArmor's feed writes it: `SYS_OPENAT`.
    let feedName: String
    /// What the feed says of its arguments.
    let form: CallForm

    /// - Parameter call: With `PC_SYSCALL_COMPATIBLE` for the other ABI.
    static func of(_ call: UInt32) -> SystemCallNames {
        let isOther = call & PC_SYSCALL_COMPATIBLE.magnitude != 0, number = Int(call & ~PC_SYSCALL_COMPATIBLE.magnitude)
        guard number < PC_SYSCALLS_MAX else { return SystemCallNames(number, isOther) }
        return isOther ? others[number] : own[number]
    }

    /// By its name; nil if that ABI has no such call.
    static func number(of name: String, isOther: Bool) -> Int? { isOther ? otherNumbers[name] : ownNumbers[name] }

    private static let ownNumbers = numbers(own), otherNumbers = numbers(others)

    private static func numbers(_ names: [SystemCallNames]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static let own = (0..<Int(PC_SYSCALLS_MAX)).map { SystemCallNames($0, false) }
    private static let others = (0..<Int(PC_SYSCALLS_MAX)).map { SystemCallNames($0, true) }

    private init(_ number: Int, _ isOther: Bool) {
        let text = seccomp_syscall_resolve_num_arch(SystemCall.architectures[isOther ? 1 : 0], Int32(number))
        defer { seccomp_release_name(text) }
        name = text.map { String(cString: $0) } ?? "\(number)"
        feedName = "SYS_" + name.uppercased()
        form = CallForm(name)
    }
}
