import Core

/// Runs a command's body; a `PortcullisError` becomes one line on standard error and exit code 1.
func reportingErrors(_ body: () throws -> Void) throws {
    do { try body() } catch let error as PortcullisError {
        Output.complain("portcullis: \(error)")
        throw Exit.unreachable
    }
}
