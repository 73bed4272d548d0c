/// What is asked of the runtime for a container that it is about to create.
public struct GivenHook: Equatable, Sendable {
    /// Where the hook is on the host; empty: no hook is asked for.
    public var path: String
    /// The hook's settings, where it would not look for them by itself; empty: where it does.
    public var settings: String
    /// Seconds after which the runtime gives the hook up; more than the hook's own largest deadline.
    public static let timeout: Int64 = 12
    /// Where the hook looks for its settings.
    public static let usualSettings = "/etc/portcullis/hook.json"
    public var arguments: [String] { ["portcullis-hook"] + (settings.isEmpty ? [] : ["--config", settings]) }
    /// Without one a hook has its runtime's, which may make the loader read what the runtime brought for itself.
    public static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    /// - Parameter settings: The file that whoever gives the hook goes by: both are to say the same.
    public init(path: String, settings: String = usualSettings) {
        self.path = path
        self.settings = settings == Self.usualSettings ? "" : settings
    }

    /// Whether the hook is to be asked for, given the paths of the hooks that the container has at these stages already: from a base specification, or
    /// another plugin.
    public func isNeeded(besides paths: [String]) -> Bool { !path.isEmpty && !paths.contains(path) }
}
