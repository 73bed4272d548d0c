/// An error that a person reads: what kind, what was being done, and why it failed.
public struct PortcullisError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller may want to tell apart. The raw value is what logs and JSON show.
    public enum Code: String, Sendable {
        /// A file or flag of the user's is wrong.
        case configuration
        /// The kernel refused something or lacks it.
        case kernel
        /// A system call on files, sockets or processes failed.
        case system
        /// The process asked about is gone.
        case processGone
        /// A named bound is reached.
        case full
        /// Another daemon is running, or what is pinned is not ours.
        case conflict
        /// A peer sent what it should not.
        case peer
    }

    public let code: Code
    /// What was being done and what went wrong, as one clause.
    public let message: String
    /// The errno of the system call at the bottom; 0 if there was none.
    public let systemError: Int32

    public init(_ code: Code, _ message: String, errno systemError: Int32 = 0) {
        self.code = code
        self.message = message
        self.systemError = systemError
    }

    public var description: String {
        systemError == 0 ? message : "\(message): \(SystemErrorText.text(systemError))"
    }
}
