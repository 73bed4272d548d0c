import HookWire

/// A file of `hooks.d`, anybody's, as CRI-O and podman read it (oci-hooks(5)): one that they do not take keeps every container from starting.
public struct HooksDirectoryFile: Equatable, Sendable {
    /// The program that it has run.
    public let program: String
    public let stages: [String]
    /// For all containers, whatever else it says.
    public let isForAll: Bool

    private static let allStages = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]

    /// - Throws: `.configuration` with what the runtimes do not take; no file is named.
    public init(_ bytes: [UInt8]) throws(PortcullisError) {
        let document: JSONDocument
        do { document = try JSONDocument(bytes) } catch { throw PortcullisError(.configuration, "\(error.reason), at byte \(error.offset)") }
        guard let version = document["version"].text else { throw PortcullisError(.configuration, "version: is missing") }
        guard version == "1.0.0" || version == "0.1.0" else { throw PortcullisError(.configuration, "version: \(version) is not 1.0.0") }
        // The first form of these files, which both still read: the program is no object in it.
        let isOld = version == "0.1.0", member = isOld ? "hook" : "hook.path"
        guard let path = isOld ? document["hook"].text : document["hook"]["path"].text, path.hasPrefix("/") else {
            throw PortcullisError(.configuration, "\(member): is not an absolute path")
        }
        let stages = (document["stages"].elements.isEmpty && isOld ? document["stage"] : document["stages"]).elements.compactMap(\.text)
        guard !stages.isEmpty else { throw PortcullisError(.configuration, "stages: names none") }
        for stage in stages where !Self.allStages.contains(stage) { throw PortcullisError(.configuration, "stages: \(stage) is no stage") }
        program = path
        self.stages = stages
        isForAll = document["when"]["always"].isTrue == true
    }

    public var isOurs: Bool { program.split(separator: "/").last.map(String.init) == HookFile.program }

    /// What is wrong with a file of ours that the runtimes do take; nil if nothing is.
    public var problem: String? {
        let begins = stages.count { $0 == "createRuntime" || $0 == "prestart" }
        if begins == 0 { return "stages: neither createRuntime nor prestart, so that no container is registered" }
        if begins > 1 { return "stages: createRuntime and prestart are the same moment: the hook runs twice" }
        if !stages.contains("poststop") { return "stages: no poststop, so that only their init's death tells of containers' ends" }
        return isForAll ? nil : "when: not for all containers (always)"
    }
}
